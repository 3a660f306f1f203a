// The check-in and the safety plan: keep a draft on this phone while somebody writes; the check-in fills in yesterday's
// side effects.

const form = document.querySelector("form[data-draft]");
const key = `draft:${form.dataset.draft}`;
const kept = form.querySelector("[data-kept]");
const technical = new Set(["csrf_token", "base", "action", "settles", "show"]);

function tell(at) {
  const time = new Date(at).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
  kept.textContent = `Draft kept ${time}`;
  kept.hidden = false;
}

function fields() {
  const all = {};
  for (const [name, value] of new FormData(form)) if (!technical.has(name)) all[name] = value;
  return all;
}

function keep() {
  const at = Date.now();
  localStorage.setItem(key, JSON.stringify({ at, base: form.dataset.base, fields: fields() }));
  tell(at);
}

function fill(fields) {
  for (const [name, value] of Object.entries(fields)) {
    for (const control of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (control.type === "radio") control.checked = control.value === value;
      else control.value = value;
      if (control.type === "radio" && control.checked) control.closest("details")?.setAttribute("open", "");
    }
  }
}

try {
  const draft = JSON.parse(localStorage.getItem(key) || "null");
  const now = JSON.stringify(fields());
  if (draft && draft.base === form.dataset.base && !document.getElementById("errors") && JSON.stringify(draft.fields) !== now) {
    fill(draft.fields);
    tell(draft.at);
  }
  let waiting;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(keep, 300);
  });
  form.addEventListener("submit", (event) => {
    clearTimeout(waiting);
    keep();
    if (event.submitter?.name !== "action") sessionStorage.setItem("sent-draft", key);
  });
} catch {
  // Storage may be switched off; then the server's copy is the only one.
}

form.querySelector("[data-yesterday]")?.addEventListener("click", (event) => {
  event.preventDefault();
  const grades = JSON.parse(event.currentTarget.dataset.yesterday);
  fill(Object.fromEntries(Object.entries(grades).map(([id, grade]) => [`side_effects-${id}`, grade])));
  form.dispatchEvent(new Event("input"));
});
