// Without signal an answer is kept on this phone, and the other questions come on a page that the phone has.
async function keepAnswer(form, { value, dataset }) {
  const phone = await import("./phone.js");
  const { answer: item, instrument, day } = form.dataset;
  const { entry_id: entry, language } = form.elements;
  const zone = (await phone.kit())?.zone;
  const payload = { instrument, language: language.value, [item]: value };
  const made = { id: crypto.randomUUID(), entry: entry.value, base: 0, after: null };
  await phone.keep({ ...made, kind: "questionnaire", day, zone, captured_at: new Date().toISOString(), payload });
  phone.send().catch(() => false);
  location.assign(dataset.help ? "/help-now?kept=1" : `/offline/questionnaires/${instrument}/${language.value}`);
  return true;
}
// An answer is kept at once, but the page goes on a moment later, so that a double tap doesn't answer the next question.
const rest = 400;
for (const form of document.querySelectorAll("form[data-answer]")) {
  form.addEventListener("submit", async (event) => {
    if (form.dataset.sent || !event.submitter) return;
    event.preventDefault();
    event.stopPropagation();
    form.dataset.sent = "yes";
    const button = event.submitter;
    const body = new FormData(form, button);
    form.querySelectorAll("[aria-pressed]").forEach((e) => e.removeAttribute("aria-pressed"));
    button.setAttribute("aria-pressed", "true");
    const waited = new Promise((done) => setTimeout(done, rest));
    const headers = { Accept: "application/json" };
    const signal = AbortSignal.timeout(8000);
    const answer = await fetch(form.action, { method: "POST", body, headers, keepalive: true, redirect: "error", signal }).catch(() => null);
    const told = answer?.ok ? await answer.json().catch(() => null) : null;
    await waited;
    if (told?.next) return location.assign(told.next);
    if (answer?.status !== 422 && (await keepAnswer(form, button).catch(() => false))) return;
    delete form.dataset.sent; // the plain way then, which says what is wrong
    const value = document.createElement("input");
    Object.assign(value, { type: "hidden", name: button.name, value: button.value });
    form.append(value);
    form.submit();
  });
}
