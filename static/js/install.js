// Offers to put the journal on the home screen: where the browser can do it at a tap, and on iPhones by words. Said
// "not now" once, it stays away on this phone.

const card = document.querySelector("[data-install]");
const KEY = "install-hint";
let ask;

function wasAnswered() {
  try {
    return localStorage.getItem(KEY) !== null;
  } catch {
    return false; // storage may be switched off
  }
}

function close() {
  try {
    localStorage.setItem(KEY, "answered");
  } catch {
    // Then it is offered again another day.
  }
  if (card.contains(document.activeElement)) document.getElementById("main").focus({ preventScroll: true });
  card.hidden = true;
}

function show(way) {
  if (wasAnswered()) return;
  card.querySelector(`[data-install-${way}]`).hidden = false;
  card.hidden = false;
}

addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  ask = event;
  show("go");
});
addEventListener("appinstalled", close);
card.querySelector("[data-install-go]").addEventListener("click", async () => {
  await ask.prompt();
  close(); // whatever was answered: nobody is asked twice
});
card.querySelector("[data-install-not-now]").addEventListener("click", close);
if (navigator.standalone === false) show("ios"); // only there is it known, and false in the browser
