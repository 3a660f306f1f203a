// Web push, for the service worker: sw.js imports this file. It shows neutral words, whatever comes, and keeps nothing.
{
  const neutral = "Your journal is here when you are ready.";
  const tag = "reminder"; // a later one takes the place of an earlier one, without a second sound

  self.addEventListener("push", (event) => {
    let body = neutral;
    try {
      body = event.data?.text() || neutral;
    } catch {
      // Not readable: the words that are always true.
    }
    event.waitUntil(self.registration.showNotification("Journal", { body, tag }));
  });

  // A window that is open may hold half a sentence: it is shown as it is, and never led elsewhere.
  async function showToday() {
    const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const here = open.find((one) => new URL(one.url).pathname === "/today");
    return here ? here.focus() : self.clients.openWindow("/today");
  }

  self.addEventListener("notificationclick", (event) => {
    if (event.notification.tag !== tag) return;
    event.notification.close();
    event.waitUntil(showToday());
  });

  // The browser changed the subscription by itself: tell the journal the new one. Signed out, nothing is told.
  async function tellAnew() {
    const answer = await fetch("/reminders/devices.json");
    if (!answer.ok) return;
    const { key, csrf_token } = await answer.json();
    const made = await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    const { endpoint, keys } = made.toJSON();
    const body = new URLSearchParams({ csrf_token, endpoint, p256dh: keys.p256dh, auth: keys.auth });
    await fetch("/reminders/devices", { method: "POST", body, redirect: "manual" });
  }

  self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(tellAnew()));
}
