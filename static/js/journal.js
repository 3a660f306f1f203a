// On every page: small kindnesses. Nothing here is needed for the journal to work.

const errors = document.getElementById("errors");
if (errors) errors.focus();

// A button says that it is working, and a second tap does nothing more.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if ("file" in form.dataset) return; // it answers with a file, and the page stays
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  const button = event.submitter;
  if (button && button.dataset.busy) {
    button.setAttribute("aria-disabled", "true");
    button.dataset.label = button.textContent;
    button.textContent = button.dataset.busy;
  }
});
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
    const answer = await fetch(form.action, { method: "POST", body, headers, keepalive: true }).catch(() => null);
    const told = answer?.ok ? await answer.json().catch(() => null) : null;
    await waited;
    if (told?.next) return location.assign(told.next);
    delete form.dataset.sent; // the plain way then, which says what is wrong
    const value = document.createElement("input");
    Object.assign(value, { type: "hidden", name: button.name, value: button.value });
    form.append(value);
    form.submit();
  });
}
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.forms) delete form.dataset.sent;
  for (const button of document.querySelectorAll("[aria-disabled][data-label]")) {
    button.removeAttribute("aria-disabled");
    button.textContent = button.dataset.label;
  }
});

// Low light switches in place, so that nothing typed on the page is lost.
for (const form of document.querySelectorAll('form[action="/look"]')) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    const root = document.documentElement;
    const low = root.dataset.look !== "low";
    const answer = await fetch("/look", { method: "POST", body: new FormData(form), redirect: "manual" }).catch(() => null);
    if (!answer || (answer.type !== "opaqueredirect" && !answer.ok)) return form.submit();
    root.dataset.look = low ? "low" : "usual";
    document.querySelectorAll(".round[aria-pressed]").forEach((e) => e.setAttribute("aria-pressed", String(low)));
  });
}

// The browser knows its time zone: offer it, never change it by itself.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const hidden = document.querySelector("input[data-zone]");
if (hidden && zone) hidden.value = zone;
const offer = document.querySelector("[data-zone-offer]");
const pick = document.querySelector("select[data-zone-pick]");
if (offer && pick && zone && zone !== pick.value && [...pick.options].some((o) => o.value === zone)) {
  offer.hidden = false;
  offer.querySelector("[data-zone-name]").textContent = zone.replaceAll("_", " ");
  offer.querySelector("[data-zone-take]").addEventListener("click", () => {
    pick.value = zone;
    offer.hidden = true;
    pick.focus();
  });
}
if (pick) {
  pick.addEventListener("change", () => document.querySelector("[data-zone-now]")?.setAttribute("hidden", ""));
}

const print = document.querySelector("[data-print]");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}

// Hours left, at most once a minute.
const left = document.querySelectorAll("[data-until]");
function say(until) {
  const minutes = Math.max(0, Math.ceil((Date.parse(until) - Date.now()) / 60000));
  const [h, m] = [Math.floor(minutes / 60), minutes % 60];
  const parts = [];
  if (h) parts.push(`${h} hour${h === 1 ? "" : "s"}`);
  if (m) parts.push(`${m} minute${m === 1 ? "" : "s"}`);
  return `${parts.join(" ") || "less than a minute"} left`;
}
if (left.length) setInterval(() => left.forEach((e) => (e.textContent = say(e.dataset.until))), 60000);

// A draft has done its work once the journal said "saved"; signing out, or deleting the account, takes all drafts along.
try {
  const sent = sessionStorage.getItem("sent-draft");
  if (sent && document.querySelector("[data-saved]")) {
    localStorage.removeItem(sent);
    sessionStorage.removeItem("sent-draft");
  }
  const forgetDrafts = () =>
    Object.keys(localStorage).filter((k) => k.startsWith("draft:")).forEach((k) => localStorage.removeItem(k));
  document.querySelector('form[action="/sign-out"]')?.addEventListener("submit", forgetDrafts);
  if (document.querySelector("[data-goodbye]")) forgetDrafts();
} catch {
  // Storage may be switched off; then there are no drafts.
}
