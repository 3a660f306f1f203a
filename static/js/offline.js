// Pages that the phone keeps: what waits, and forms to write on without signal. Who they are for is filled in here.

import * as phone from "./phone.js";

const $ = (selector, place = document) => place.querySelector(selector);
const names = { "check-in": "Check-in", note: "Note", infusion: "Infusion", "after-infusion": "After the infusion", questionnaire: "Questionnaire" };
const pages = { "check-in": "/offline/check-in", infusion: "/offline/infusion", note: "/offline/note" };
document.querySelectorAll("[data-no-script]").forEach((e) => e.remove());
const form = $("form[data-offline]");
const said = (iso) => new Date(`${iso}T12:00`).toLocaleDateString([], { weekday: "short", day: "numeric", month: "short" });
const clock = (at) => new Date(at).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });

// The patient's day now, in their zone, with their own hour at which a day ends.
function today(kit) {
  const at = new Date(Date.now() - kit.dayEnds * 3600000);
  return new Intl.DateTimeFormat("en-CA", { timeZone: kit.zone }).format(at);
}

const before = (iso, days) => new Date(Date.parse(`${iso}T12:00Z`) - days * 86400000).toISOString().slice(0, 10);

function pageOf({ kind, payload }) {
  if (kind === "after-infusion") return `/offline/after-infusion/${payload.part}`;
  if (kind === "questionnaire") return `/offline/questionnaires/${payload.instrument}/${payload.language}`;
  return pages[kind];
}

// The app lock holds here too: after its idle minutes nothing is shown that was written, but anybody may write.
function isLocked(kit) {
  if (!kit?.locks) return false;
  const at = Number(localStorage.getItem("here"));
  return !(at <= Date.now() && Date.now() - at < kit.locks * 60000);
}

let showing = 0;

// One line a thing that waits, or was sent lately.
async function showList() {
  const list = $("#operations");
  const mine = (showing += 1);
  $("#locked").hidden = !isLocked(kit);
  if (isLocked(kit)) {
    list.replaceChildren();
    for (const part of ["#send", "#nothing", "#signed-out"]) $(part).hidden = true;
    return;
  }
  const [waiting, sent, told] = [await phone.list(), await phone.sent(), await phone.count()];
  if (mine !== showing) return; // it is being shown anew
  const newest = new Map(waiting.map((one) => [one.operation.entry, one]));
  list.replaceChildren(...[...newest.values()].reverse().map(line), ...sent.sort((a, b) => b.number - a.number).map(sentLine));
  $("#send").hidden = !told.waiting;
  if (justKept && !told.waiting) {
    justKept = false;
    $("[data-heading]").textContent = told.attention ? "On this phone" : "Sent";
    $("[data-lead]").textContent = told.attention ? lead : "Everything is on the server now.";
  }
  $("#nothing").hidden = list.children.length > 0 || told.others > 0;
  const out = $("#signed-out");
  out.hidden = !told.others;
  if (!told.others) return;
  const n = `${told.others} ${told.others === 1 ? "entry" : "entries"}`;
  $("[data-told]", out).textContent = (await phone.owner()) ? `${n} of another account wait here, sealed.` : `Sign in to send ${n}.`;
}

function newLine({ kind, day, payload }, state) {
  const made = $("#operation").content.cloneNode(true).firstElementChild;
  $("[data-title]", made).textContent = `${kind === "questionnaire" ? payload.instrument.toUpperCase() : (names[kind] ?? "Entry")}, ${said(day)}`;
  $("[data-state]", made).textContent = state;
  return made;
}

function line({ order, state, operation, reasons }) {
  const isWaiting = state === "waiting";
  const at = clock(operation.captured_at);
  const made = newLine(operation, isWaiting ? `On this phone since ${at}, not sent yet` : "On this phone, needs your attention");
  made.classList.toggle("wrong", !isWaiting);
  if (!isWaiting) {
    $("[data-reason]", made).hidden = false;
    $("[data-reason] span", made).textContent = Object.values(reasons).join(" ");
  }
  const page = pageOf(operation);
  if (page) Object.assign($("[data-change]", made), { hidden: false, href: `${page}#${operation.id}` });
  const copy = $("[data-export]", made);
  copy.hidden = false;
  copy.addEventListener("click", () => save(operation));
  const discard = $("[data-discard]", made);
  discard.hidden = false;
  discard.addEventListener("click", () => askToDiscard(made, discard, order, operation));
  return made;
}

function sentLine({ operation, page, at }) {
  const made = newLine(operation, page ? "On the server, in two versions" : `On the server since ${clock(at)}`);
  if (page) Object.assign($("[data-choose]", made), { hidden: false, href: page });
  return made;
}

function save(operation) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(operation, null, 2)], { type: "application/json" }));
  link.download = `${operation.kind}-${operation.day}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function askToDiscard(made, button, order, operation) {
  if ($("[role=alertdialog]")) return;
  made.append($("#ask-discard").content.cloneNode(true));
  const box = $("[role=alertdialog]", made);
  const all = async () => (await phone.list()).filter((one) => one.operation.entry === operation.entry).map((one) => one.order);
  $("[data-yes]", box).addEventListener("click", async () => {
    await phone.discard(await all());
    await showList();
    $("h1").tabIndex = -1;
    $("h1").focus();
  });
  $("[data-no]", box).addEventListener("click", () => {
    box.remove();
    button.focus();
  });
  $("[data-no]", box).focus();
}

let justKept = false;
const lead = $("[data-lead]")?.textContent;

async function showKept() {
  let kept;
  try {
    kept = JSON.parse(sessionStorage.getItem("kept"));
    sessionStorage.removeItem("kept");
  } catch {
    kept = null;
  }
  if (!kept) return;
  $("[data-heading]").textContent = "Saved on this phone";
  const why = { "signed-out": "Sign in to send it.", refused: "The server did not take it yet. It stays here." }[kept.why];
  justKept = true;
  $("[data-lead]").textContent = `Saved on this phone at ${clock(kept.at)}. It is not sent yet. ${why ?? "It goes out when there is a connection."}`;
  $("[data-lead]").setAttribute("role", "status");
}

async function showHub(kit) {
  await showKept();
  phone.onChange(showList);
  await showList();
  if (kit?.locks) {
    setInterval(() => isLocked(kit) === $("#locked").hidden && showList(), 5000);
    document.addEventListener("visibilitychange", showList);
  }
  $("[data-send]").addEventListener("click", async () => {
    $("[data-said]").textContent = "Sending…";
    const { answers, why } = await phone.send();
    const told = { "signed-out": "You are signed out. Sign in to send.", offline: "No connection yet. Everything stays here.", refused: "The server did not take it. Everything stays here." };
    $("[data-said]").textContent = told[why] ?? `Sent: ${answers.size}.`;
    await showList();
  });
  showWays(kit);
}

function showWays(kit) {
  if (!kit) return;
  $("#write").hidden = false;
  document.querySelectorAll("[data-reports]").forEach((e) => (e.hidden = !kit.infusions.length));
  for (const { code, title, language } of kit.questionnaires) {
    const made = $("#item").content.cloneNode(true);
    $("a", made).href = `/offline/questionnaires/${code}/${language}`;
    $("b", made).textContent = title;
    $("#questionnaires").append(made);
  }
}

function addMeasures(kit) {
  const place = $("#measures");
  const day = form.elements.day.value;
  const [from] = kit.infusions.map((one) => one.day).sort();
  const isSoon = (kit.dissociationUntil ?? "") >= day && (kit.dissociationUntil === "9999-12-31" || !from || day >= from);
  const had = new Map([...place.querySelectorAll("input:checked")].map((e) => [e.name, e.value]));
  place.replaceChildren();
  for (const { id, question, low, high, help } of kit.measures) {
    if (id === "dissociation" && !isSoon) continue;
    const made = $("#scale").content.cloneNode(true);
    const set = $("fieldset", made);
    set.id = id;
    $("legend", set).textContent = question;
    const anchors = [`0 is ${low.charAt(0).toLowerCase()}${low.slice(1)}`, `10 is ${high.charAt(0).toLowerCase()}${high.slice(1)}`];
    set.querySelectorAll(".anchors span").forEach((e, place) => (e.textContent = anchors[place]));
    $("p.hidden", set).textContent = `${anchors.join(", ")}.`;
    for (const e of set.querySelectorAll("input")) {
      e.name = id;
      e.checked = had.get(id) === e.value;
      if (help[e.value]) e.dataset.help = help[e.value];
    }
    place.append(made);
  }
}

const fillers = {
  "check-in"(kit, change) {
    const asked = /^\/check-ins\/([\d-]{10})/.exec(location.pathname)?.[1];
    const now = today(kit);
    const select = form.elements.day;
    for (let n = 0; n <= Number(form.dataset.days); n += 1) {
      const day = before(now, n);
      select.add(new Option(n === 0 ? `Today, ${said(day)}` : said(day), day, false, day === asked));
    }
    if (change && ![...select.options].some((o) => o.value === change.operation.day)) select.add(new Option(said(change.operation.day), change.operation.day));
    if (change) select.value = change.operation.day;
    addMeasures(kit);
    select.addEventListener("change", () => addMeasures(kit));
    return "offline:check-in";
  },
  note(kit) {
    form.dataset.day = today(kit);
    return "offline:note";
  },
  infusion(kit) {
    form.elements.day.value = today(kit);
    form.elements.day.max = today(kit);
    return "offline:infusion";
  },
  "after-infusion"(kit, change) {
    const named = /^\/infusions\/([^/]+)\/after/.exec(location.pathname)?.[1];
    const known = (id) => kit.infusions.find((one) => one.id === id);
    const asked = change?.operation.payload.infusion ?? named ?? known(location.hash.slice(1))?.id;
    // The address alone asks about the day itself on that day, and about the day after from then on, as the server does.
    const later = new URLSearchParams(location.search).get("part") ?? (known(named)?.day < today(kit) ? "next-day" : "first");
    if (named && later !== form.elements.part.value) location.replace(`/offline/after-infusion/${later}#${named}`);
    for (const { id, number, day } of kit.infusions) form.elements.infusion.add(new Option(`Infusion ${number}, ${said(day)}`, id, false, id === asked));
    if (asked && !known(asked)) form.elements.infusion.add(new Option("The infusion you were at", asked, true, true));
    form.dataset.day = today(kit);
    $("#no-infusion").hidden = form.elements.infusion.options.length > 0;
    return `offline:report:${form.elements.part.value}`;
  },
  questionnaire(kit) {
    const { instrument, language } = form.elements;
    const wanted = kit.questionnaires.find((one) => one.code === instrument.value)?.language;
    if (wanted && wanted !== language.value) location.replace(`/offline/questionnaires/${instrument.value}/${wanted}${location.hash}`);
    form.dataset.day = today(kit);
    form.addEventListener("input", ask);
    form.addEventListener("filled", ask);
    form.addEventListener("change", ({ target }) => target.dataset.help && form.requestSubmit());
    return `offline:${instrument.value}`;
  },
};

// A first question answered with 0 ends some questionnaires; another is asked only when one is above 0.
function ask() {
  const gate = $("[data-gate] input:checked");
  const above = $('[data-scored] input:checked:not([value="0"], [value=""])');
  for (const set of form.querySelectorAll("fieldset.question")) {
    const isOff = (gate?.value === "0" && !("gate" in set.dataset)) || ("askedIf" in set.dataset && !above);
    set.hidden = set.disabled = isOff;
  }
}

// What was answered already, one tap at a time, before the signal went.
function begun(waiting) {
  if (form.dataset.entry !== "questionnaire") return undefined;
  const code = form.elements.instrument.value;
  const mine = waiting.filter(({ state, operation }) => state === "waiting" && operation.payload.instrument === code);
  if (!mine.length) return undefined;
  const last = mine.at(-1);
  const payload = Object.assign({}, ...mine.filter((one) => one.operation.entry === last.operation.entry).map((one) => one.operation.payload));
  return { ...last, operation: { ...last.operation, payload } };
}

async function showForm(kit) {
  const entry = await import("./entry.js");
  const waiting = isLocked(kit) ? [] : await phone.list();
  const change = waiting.find((one) => one.operation.id === location.hash.slice(1)) ?? begun(waiting);
  const draft = fillers[form.dataset.entry](kit, change);
  form.hidden = form.dataset.entry === "after-infusion" && !form.elements.infusion.options.length;
  // Who writes while it is locked goes on with what was written so, and is shown nothing else.
  const usual = isLocked(kit) ? `${draft}:locked` : draft;
  entry.about(kit.owner, change ? `offline:${change.operation.entry}` : usual, change);
  if (form.dataset.entry === "questionnaire") ask();
  await entry.begin().catch(() => false); // it is tried again with the first letter
}

const kit = await phone.kit().catch(() => {
  const words = "A newer version of the journal is on its way, or another tab holds it up. Close other tabs of it, and open this page again. Nothing is lost.";
  $("[data-lead], [data-where]").textContent = words;
  return undefined;
});
if ($("#operations") && kit !== undefined) await showHub(kit);
if (form && kit) await showForm(kit);
// Whoever writes here keeps the journal's other pages open, unless they are locked already: writing never unlocks them.
for (const what of ["input", "pointerdown", "keydown"]) {
  addEventListener(what, () => kit?.locks && !isLocked(kit) && localStorage.setItem("here", Date.now()));
}
if (form && kit === null) $("#who").hidden = false;
