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
    const low = root.dataset.look !== "low";
    const answer = await fetch("/look", { method: "POST", body: new FormData(form), redirect: "manual" }).catch(() => null);
    if (!answer || (answer.type !== "opaqueredirect" && !answer.ok)) return form.submit();
    root.dataset.look = low ? "low" : "usual";
    try {
      localStorage.setItem("look", root.dataset.look);
    } catch {
      // Then pages that the phone keeps come in their usual light.
    }
    document.querySelectorAll(".round[aria-pressed]").forEach((e) => e.setAttribute("aria-pressed", String(low)));
    if (!form.offsetParent) document.querySelector(".round[aria-pressed]").focus(); // the offer is gone, and the focus with it
    const ground = getComputedStyle(root).getPropertyValue("--bg");
    document.querySelectorAll("meta[name=theme-color]").forEach((e) => (e.content = ground));
  });
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

// What waits on this phone: said on every page, and sent whenever there may be a connection.
const root = document.documentElement;
const many = (n, word) => `${n} ${n === 1 ? word : word.replace("y", "ies")}`;

function wordsFor({ waiting, attention, conflicts, others }, isOut) {
  if (isOut && others) return [`Sign in to send ${many(others, "entry")}.`, "/sign-in", "They wait on this phone, sealed."];
  if (attention) return [`${many(attention, "entry")} on this phone need${attention === 1 ? "s" : ""} your attention.`, "/offline", "Look"];
  if (waiting) return [`${navigator.onLine ? "" : "You are offline. "}${many(waiting, "entry")} wait${waiting === 1 ? "s" : ""} on this phone.`, "/offline", "Look"];
  if (conflicts) return [`${many(conflicts, "entry")} ${conflicts === 1 ? "has" : "have"} two versions.`, "/offline", "Look at both and choose"];
  return null;
}

async function showWaiting(phone) {
  const told = await phone.count();
  const some = wordsFor(told, !root.dataset.owner);
  localStorage.setItem("waits", some ? "yes" : "");
  const words = "waits" in root.dataset && !location.pathname.startsWith("/offline") && some;
  let box = document.getElementById("waits");
  if (!words) return box?.remove();
  if (!box) {
    box = document.createElement("div");
    Object.assign(box, { id: "waits", className: "banner" });
    box.innerHTML = '<div><p role="status"><b></b></p><p><a class="link"></a></p></div>';
    document.getElementById("main").prepend(box);
  }
  const [text, address, more] = words;
  if (box.querySelector("b").textContent !== text) box.querySelector("b").textContent = text;
  Object.assign(box.querySelector("a"), { href: address, textContent: more });
}

// A form with a draft was sent: what the very next page says of it decides whether the draft goes.
function takeSentDraft() {
  if (!root.dataset.owner) return null; // the page after the lock's says it then
  try {
    const name = sessionStorage.getItem("sent-draft");
    if (name) sessionStorage.removeItem("sent-draft");
    return name;
  } catch {
    return null; // storage is switched off
  }
}

async function lookAfterPhone(sentDraft) {
  if (root.dataset.owner !== undefined && localStorage.getItem("look") !== root.dataset.look) localStorage.setItem("look", root.dataset.look);
  const phone = await import("./phone.js");
  // A dead line takes its time: what waits is said meanwhile.
  const meanwhile = () => setTimeout(() => showWaiting(phone).catch(() => false), 800);
  const tryToSend = async () => {
    const late = meanwhile();
    if ((await phone.owner()) && (await phone.count()).waiting) await phone.send();
    clearTimeout(late);
    await showWaiting(phone);
  };
  const late = meanwhile();
  if (root.dataset.owner) await phone.prepare().catch(() => false);
  clearTimeout(late);
  if (sentDraft && document.querySelector("[data-saved]")) await phone.dropDraft(sentDraft);
  if (document.querySelector("[data-goodbye]")) await phone.forget();
  for (const { id, page } of await phone.sent()) if (page && new URL(page, location).pathname === location.pathname) await phone.settle(id);
  phone.onChange(() => showWaiting(phone));
  addEventListener("online", tryToSend);
  addEventListener("offline", () => showWaiting(phone));
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && tryToSend());
  await tryToSend();
}

if (isSecureContext && "indexedDB" in self && "locks" in navigator) {
  navigator.serviceWorker?.register("/sw.js").catch(() => false);
  // The page comes first, unless something is known to wait here, or nobody is signed in any more.
  const sentDraft = takeSentDraft();
  const isQuiet = root.dataset.owner && !localStorage.getItem("waits") && !sentDraft;
  const begin = () => lookAfterPhone(sentDraft).catch(() => false);
  if ("owner" in root.dataset || location.pathname.startsWith("/offline")) setTimeout(begin, isQuiet ? 1200 : 0);
  const leave = (event) => {
    if (event.target.getAttribute("action") !== "/sign-out") return;
    event.preventDefault();
    event.stopPropagation();
    sessionStorage.setItem("leaving", "yes");
    location.assign("/offline/sign-out");
  };
  addEventListener("submit", leave, { capture: true });
}
