// On the page of reminders: turn them on for this phone, where its browser can. It is asked only upon the tap.

const box = document.querySelector("[data-push]");
const able = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
const isApple = /iPhone|iPad/.test(navigator.userAgent) || (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);

function show(name) {
  for (const one of box.querySelectorAll("[data-push-if]")) one.hidden = one.dataset.pushIf !== name;
}

function whatFits() {
  if (able && Notification.permission === "denied") return "denied";
  if (able) return "able";
  return isApple && !navigator.standalone ? "apple" : "unable";
}

async function subscribe(key) {
  await navigator.serviceWorker.register("/sw.js");
  const registration = await navigator.serviceWorker.ready;
  const options = { userVisibleOnly: true, applicationServerKey: key };
  try {
    return await registration.pushManager.subscribe(options);
  } catch (error) {
    if (error.name !== "InvalidStateError") throw error;
    await (await registration.pushManager.getSubscription())?.unsubscribe(); // it was made for a key of the past
    return registration.pushManager.subscribe(options);
  }
}

async function unsubscribe() {
  const registration = await navigator.serviceWorker?.getRegistration();
  await (await registration?.pushManager?.getSubscription())?.unsubscribe();
}

function inWords(error) {
  if (error.name === "NotAllowedError") return "Nothing was turned on. Tap the button again when you are ready.";
  return "That didn’t work. Your browser could not reach its maker’s push service. Mails come as before.";
}

// One tap is one try: the form goes off when the browser has given what the journal needs.
function whenTapped(form, work) {
  const told = form.querySelector("[data-told]");
  const button = form.querySelector("button");
  const label = button.textContent;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (form.dataset.sent) return;
    form.dataset.sent = "yes";
    if (told) told.hidden = true;
    button.setAttribute("aria-disabled", "true");
    button.textContent = button.dataset.busy;
    try {
      await work(form);
      form.submit();
    } catch (error) {
      delete form.dataset.sent;
      button.removeAttribute("aria-disabled");
      button.textContent = label;
      if (whatFits() === "denied") return show("denied");
      told.textContent = inWords(error);
      told.hidden = false;
    }
  });
}

async function turnOn(form) {
  if ((await Notification.requestPermission()) !== "granted") throw new DOMException("", "NotAllowedError");
  const { endpoint, keys } = (await subscribe(box.dataset.push)).toJSON();
  Object.assign(form.elements.endpoint, { value: endpoint });
  Object.assign(form.elements.p256dh, { value: keys.p256dh });
  Object.assign(form.elements.auth, { value: keys.auth });
}

if (box) {
  show(whatFits());
  whenTapped(box.querySelector("form"), turnOn);
}
for (const form of document.querySelectorAll("form[data-push-off]")) {
  whenTapped(form, () => unsubscribe().catch(() => undefined)); // the server forgets it in any case
}
