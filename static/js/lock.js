// The app lock: after 15 minutes in which nobody touched the page, a plain sheet covers it until its owner unlocks it in
// place, so that nothing typed is lost. Told by the clock on the wall: a phone that slept counts too.

const root = document.documentElement;
const cover = document.getElementById("lock");
const [pin, passkey, words] = ["pin", "passkey", "words"].map((way) => cover.querySelector(`[data-way="${way}"]`));
const after = Number(root.dataset.lock) * 60_000;
const tellEvery = 60_000;
const title = document.title;
let here = Date.now();
let told = here;
let kept = 0;
let covered = false;
let restUntil = 0;
let was;

// The pages of one browser know of each other: reading in one keeps the others open.
function seenElsewhere() {
  try {
    const at = Number(localStorage.getItem("here"));
    return at <= Date.now() ? at : 0;
  } catch {
    return 0; // storage is switched off
  }
}
const isLate = () => Date.now() - Math.max(here, seenElsewhere()) >= after;

function comeHere() {
  here = Date.now();
  if (here - kept < 5000) return;
  kept = here;
  try {
    localStorage.setItem("here", here);
  } catch {
    // storage is switched off: then each page is on its own
  }
}

function shut() {
  if (covered) return;
  covered = true;
  was = document.activeElement;
  for (const one of document.body.children) one.inert = one !== cover;
  root.dataset.covered = "yes";
  document.title = "Locked · Infusion Journal";
  cover.hidden = false;
  (pin?.elements.pin ?? cover.querySelector("h2")).focus();
}

function open() {
  covered = false;
  kept = 0;
  comeHere();
  for (const one of document.body.children) one.inert = false;
  delete root.dataset.covered;
  document.title = title;
  cover.hidden = true;
  was?.focus({ preventScroll: true });
}

function look() {
  if (isLate()) shut();
  else if (covered && seenElsewhere() > here) open(); // unlocked in another tab
}

const post = (address, body) =>
  fetch(address, { method: "POST", body, headers: { Accept: "application/json" }, redirect: "manual" }).catch(() => null);

// While somebody writes on one page for long, the server hears of it, at most once a minute.
async function tell() {
  told = Date.now();
  const body = new URLSearchParams({ csrf_token: cover.querySelector("[name=csrf_token]").value });
  const answer = await post("/unlock/still-here", body);
  if (answer?.status === 401) shut();
}

function touched(event) {
  if (covered) return;
  if (isLate()) {
    event.preventDefault(); // this tap woke the phone: it is not for the page below
    event.stopImmediatePropagation();
    restUntil = performance.now() + 700;
    return shut();
  }
  comeHere();
  if (here - told > tellEvery) tell();
}
function rest(event) {
  if (performance.now() >= restUntil) return;
  event.preventDefault(); // nor is its click for the sheet that just came up under the finger
  event.stopImmediatePropagation();
}
addEventListener("click", rest, { capture: true });
for (const what of ["keydown", "pointerdown", "pointermove", "wheel", "input"])
  addEventListener(what, touched, { capture: true, passive: false });

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return (root.dataset.away = "yes"); // the app switcher's picture shows an empty page
  look();
  delete root.dataset.away;
});
for (const what of ["focus", "pageshow", "storage"]) addEventListener(what, look);
setInterval(look, 5000);

function refuse(form, message) {
  const place = form.querySelector("[data-told]");
  (place.querySelector("span") ?? place).textContent = message;
  place.hidden = false;
  form.querySelector("input[type=password]")?.focus();
}

async function unlock(form) {
  const answer = await post(form.action, new URLSearchParams(new FormData(form)));
  const said = await answer?.json().catch(() => null);
  if (said?.open) {
    for (const each of cover.querySelectorAll("form")) each.reset();
    for (const place of cover.querySelectorAll("[data-told]")) place.hidden = true;
    if (pin) pin.hidden = false; // whatever opened it brought the PIN back
    words.open = !pin && !passkey;
    return open();
  }
  for (const field of form.querySelectorAll("input[type=password]")) field.value = "";
  if (said?.pin_is_off && pin) {
    pin.hidden = true;
    words.open = true;
    return refuse(words.querySelector("form"), said.error);
  }
  if (said?.error) return refuse(form, said.error);
  if (!answer) return refuse(form, "The journal can’t be reached. What you wrote is still on this page. Try again when you are online.");
  const again = cover.querySelector("[data-sign-in]");
  again.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
  again.hidden = false;
  refuse(form, "You were signed out meanwhile. Please sign in again.");
}

cover.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.action.includes("/unlock")) return; // signing out goes its own way
  event.preventDefault();
  event.stopPropagation();
  if (form.dataset.asking) return;
  form.dataset.asking = "yes";
  await unlock(form);
  delete form.dataset.asking;
});
passkey?.addEventListener("answered", async (event) => {
  event.preventDefault();
  await unlock(passkey);
  const button = passkey.querySelector("button");
  delete passkey.dataset.sent;
  button.removeAttribute("aria-disabled");
  button.textContent = "Use this device’s passkey";
});
