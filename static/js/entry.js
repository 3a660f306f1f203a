// Forms of the journal: what is half-written is kept on this phone; what is saved is kept first, and sent then.

let phone;
const load = async () => (phone ??= await import("./phone.js")); // not before it is needed: the page comes first

const form = document.querySelector("form[data-entry], form[data-draft]");
const kept = form.querySelector("[data-kept]");
const kind = form.dataset.entry;
// Drafts are kept sealed. By itself the browser would write what is typed into its session's files, for anybody to read.
if (crypto.subtle) form.autocomplete = "off";
const technical = new Set(["csrf_token", "base", "action", "settles", "show", "entry_id"]);
const fresh = () => crypto.randomUUID?.();
const time = (at) => new Date(at).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
let draft = form.dataset.draft;
let work = { entry: form.elements.entry_id?.value || fresh(), base: Number(form.elements.base?.value || 0) };

let writer;
let looked;
let looking;
let before;

export function fields() {
  const all = {};
  for (const [name, value] of new FormData(form)) if (!technical.has(name) && value !== "") all[name] = value;
  return all;
}

export function fill(values) {
  for (const control of form.elements) {
    if (!control.name || technical.has(control.name) || control.type === "hidden") continue;
    const value = values[control.name] ?? "";
    if (control.type === "radio") {
      control.checked = control.value === value && value !== "";
      if (control.checked) control.closest("details")?.setAttribute("open", "");
    } else if (value !== "" || !["day", "infusion"].includes(control.name)) {
      control.value = value;
      if (value) control.closest("details")?.setAttribute("open", "");
    }
  }
}

// A page that the phone keeps says whose it is, which draft it is about, or which entry is to be changed.
export function about(who, name, change) {
  writer = who;
  draft = name;
  if (change) {
    const { operation, order, state } = change;
    const isWaiting = state === "waiting";
    work = { entry: operation.entry, base: operation.base, after: isWaiting ? operation.id : null, order: isWaiting ? undefined : order };
    form.dataset.day = operation.day;
    if (operation.payload.infusion) form.dataset.infusion = operation.payload.infusion;
    fill({ ...operation.payload, day: operation.day });
  }
  before = fields();
}

const base = () => String(work.base);
// What one person began isn't kept for the next one, who may have signed in on another page meanwhile.
async function isOurs() {
  if (writer && (await phone.owner()) !== writer) throw new phone.Locked();
}

const opened = fields();
let ticking;
async function keepDraft() {
  const at = Date.now();
  try {
    await load();
    await begin(); // what was half-written before is there first
  } catch (error) {
    if (phone && error instanceof phone.Full) said("No room for a draft");
    return; // and where it can't be looked at yet, nothing is kept over it
  }
  // What is being saved here is no draft any more.
  const read = () => !(kind && form.dataset.sent) && { at, base: base(), entry: work.entry, fields: fields() };
  try {
    await isOurs();
    if (await phone.keepDraft(draft, read)) said(`Draft kept ${time(at)}`);
    localStorage.setItem("drafts", "yes");
  } catch (error) {
    if (!(error instanceof phone.Locked)) said("No room for a draft");
  }
}

function said(text) {
  if (!kept) return;
  kept.textContent = text;
  kept.hidden = false;
}

// What was half-written before comes into the form, once. Whoever asks meanwhile waits for it too.
export async function begin() {
  if (!draft || looked === draft) return looking;
  looked = draft;
  looking = look().catch((error) => {
    looked = undefined;
    throw error;
  });
  return looking;
}

// Words that were typed before the half-written ones came stand below them.
function joined(name, held, typed) {
  if (form.elements[name]?.tagName !== "TEXTAREA" || !held || typed.includes(held)) return typed;
  const there = before[name] ?? "";
  return `${held}\n${typed.startsWith(there) ? typed.slice(there.length).trim() : typed}`;
}

async function look() {
  before ??= opened;
  const now = JSON.stringify(before);
  await load();
  const held = await phone.findDraft(draft);
  if (held && held.base === base() && !document.getElementById("errors") && JSON.stringify(held.fields) !== now) {
    const typed = Object.entries(fields()).filter(([name, value]) => before[name] !== value); // meanwhile
    work.entry = held.entry;
    fill({ ...held.fields, ...Object.fromEntries(typed.map(([name, value]) => [name, joined(name, held.fields[name], value)])) });
    form.dispatchEvent(new Event("filled"));
    said(`Draft kept ${time(held.at)}`);
  }
}

const soon = () => {
  clearTimeout(ticking);
  ticking = setTimeout(keepDraft, 250);
};
form.addEventListener("input", soon);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "hidden" || !ticking) return;
  clearTimeout(ticking);
  keepDraft();
});

form.querySelector("[data-yesterday]")?.addEventListener("click", (event) => {
  event.preventDefault();
  const grades = JSON.parse(event.currentTarget.dataset.yesterday);
  const told = Object.entries(grades).map(([id, grade]) => [`side_effects-${id}`, grade]);
  fill({ ...fields(), ...Object.fromEntries(told) });
  soon();
});

async function operation() {
  const told = fields();
  const zone = (await phone.kit().catch(() => null))?.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const day = form.elements.day?.value || form.dataset.day;
  delete told.day;
  if (form.dataset.infusion) told.infusion = form.dataset.infusion;
  const { entry, after } = work;
  return { id: fresh(), entry, base: work.base, after: after ?? null, kind, day, zone, captured_at: new Date().toISOString(), payload: told };
}

// Whether an answer on the form asks for help before anything else; see journal/domain/flag_rules.py.
async function needsHelp() {
  const marked = [...form.querySelectorAll("[data-help]:checked")].map((control) => control.dataset.help);
  if (marked.includes("now") || !marked.length) return marked.length > 0;
  const kit = await phone.kit().catch(() => null);
  const ends = (kit?.infusions ?? []).map((one) => Date.parse(one.endsAt ?? one.day));
  return !ends.some((end) => Date.now() - end < kit.laterHours * 3600000);
}

form.addEventListener("submit", async (event) => {
  if (!kind || event.submitter?.name === "action" || !crypto.subtle) {
    if (draft && !kind) sessionStorage.setItem("sent-draft", draft);
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation();
  if (form.dataset.sent) return;
  form.dataset.sent = "yes";
  const button = event.submitter ?? form.querySelector(".primary");
  const label = button.textContent;
  button.setAttribute("aria-disabled", "true");
  button.textContent = button.dataset.busy ?? label;
  document.getElementById("errors")?.remove();
  try {
    await save();
  } finally {
    delete form.dataset.sent;
    button.removeAttribute("aria-disabled");
    button.textContent = label;
  }
});

// Nothing but what the page itself filled in.
function isEmpty() {
  const given = new Set(["day", "infusion", "part", "unfinished", "instrument", "language"]);
  return kind !== "infusion" && Object.keys(fields()).every((name) => given.has(name));
}

async function save() {
  let asked;
  if (isEmpty()) return problems({ form: "There is nothing to keep yet. Tap what you can, or come back later." });
  try {
    await load();
    asked = await operation();
    clearTimeout(ticking);
    ticking = 0;
    await isOurs();
    await phone.keep(asked, { instead: work.order, draft });
  } catch (error) {
    return cannotKeep(error, asked);
  }
  work = { ...work, after: asked.id, order: undefined };
  const quick = new Promise((done) => setTimeout(() => done({ answers: new Map(), why: "offline" }), 6000));
  const { answers, why } = await Promise.race([phone.send(asked.id), quick]).catch(() => ({ answers: new Map(), why: "offline" }));
  const answer = answers.get(asked.id);
  if (answer?.status === "rejected") {
    const held = (await phone.list()).find((one) => one.operation.id === asked.id);
    if (held) work = { entry: asked.entry, base: held.operation.base, after: null, order: held.order };
    return problems(answer.reasons, answer.help);
  }
  if (answer) return location.assign(answer.help ?? answer.page);
  const help = await needsHelp();
  try {
    sessionStorage.setItem("kept", JSON.stringify({ at: asked.captured_at, why, help }));
  } catch {
    // Then the page of what waits says so without the time.
  }
  if (navigator.serviceWorker?.controller) return location.assign(help ? "/help-now?kept=1" : "/offline");
  const box = document.createElement("div");
  box.className = "banner";
  box.tabIndex = -1;
  box.setAttribute("role", "status");
  box.innerHTML = "<div><p><b></b></p><p>It is not sent yet. It goes out when there is a connection.</p></div>";
  box.querySelector("b").textContent = `Saved on this phone at ${time(asked.captured_at)}.`;
  form.before(box);
  form.hidden = true;
  box.focus();
}

// The phone couldn't keep it. The words stay in the form, and the page says what to do.
async function cannotKeep(error, asked) {
  if (!phone && form.method === "post" && navigator.onLine) return form.submit(); // the plain way
  if (!phone) return problems({ form: "This page isn’t whole, and the journal can’t be reached. Your words are still here. Save again when there is signal." });
  if (error instanceof phone.Locked) return problems({ form: "You are signed out on this phone. Your words are still here: copy them, then sign in." });
  const answer = asked && (await phone.sendUnkept(asked).catch(() => null));
  if (answer?.status === "rejected") return problems(answer.reasons);
  if (answer) return location.assign(answer.help ?? answer.page);
  const room = error instanceof phone.Full || error?.name === "QuotaExceededError";
  problems({ form: room ? "This phone has no room left to keep it. Your words are still here. Free some space, or save again when there is signal." : "This phone couldn’t keep it, and the journal can’t be reached. Your words are still here. Close other tabs of the journal, or save again when there is signal." });
}

function problems(reasons, help) {
  document.getElementById("errors")?.remove();
  const box = document.createElement("div");
  const found = Object.entries(reasons);
  Object.assign(box, { className: "errors", id: "errors", tabIndex: -1 });
  box.setAttribute("role", "alert");
  const title = document.createElement("h2");
  title.textContent = found.length === 1 ? "Please check one thing" : `Please check ${found.length} things`;
  const items = document.createElement("ul");
  for (const [name, text] of found) {
    const item = document.createElement("li");
    const link = document.createElement(document.getElementById(name) ? "a" : "span");
    if (link.tagName === "A") link.href = `#${name}`;
    link.textContent = text;
    item.append(link);
    items.append(item);
  }
  box.append(title, items);
  if (help) {
    const way = document.createElement("p");
    way.innerHTML = '<b>The warning sign is saved.</b> <a class="button primary"></a>';
    Object.assign(way.querySelector("a"), { href: help, textContent: "Help now" });
    box.prepend(way);
  }
  form.before(box);
  box.focus();
}

if (!("offline" in form.dataset)) {
  // At once where a draft is known; else when the page is there. A killed browser may have lost the mark, never the draft.
  let isKnown = false;
  try {
    isKnown = Boolean(localStorage.getItem("drafts"));
  } catch {
    // storage is switched off
  }
  setTimeout(() => begin().catch(() => false), isKnown ? 0 : 1200);
}
