// Signing out: what waits here is sent, kept locked, or thrown away; everything else of this account leaves the phone.

import * as phone from "./phone.js";

const $ = (selector) => document.querySelector(selector);
const choice = $("#choice");

async function tellServer() {
  const headers = { "Content-Type": "application/json" };
  try {
    const answer = await fetch("/sync/sign-out", { method: "POST", headers, body: "{}", redirect: "error", signal: AbortSignal.timeout(10000) });
    return answer.ok && Boolean((await answer.json()).signed_out);
  } catch {
    return false;
  }
}

// Notes that come by push belong to whoever asked for them.
async function endPush() {
  const worker = await navigator.serviceWorker?.getRegistration();
  const subscription = await worker?.pushManager?.getSubscription();
  await subscription?.unsubscribe();
}

const note = () => caches.open("signed-out").then((kept) => kept.put("/signed-out", new Response("yes"))).then(() => true, () => false);
const soon = () => new Promise((done) => setTimeout(done, 4000));

// That somebody signs out is noted first: it holds whatever becomes of this page. Then the phone forgets, which needs no
// signal, and then the server is told.
async function leave(keepLocked) {
  $("[data-heading]").textContent = "Signing out…";
  choice.hidden = $("#plain").hidden = true;
  const isNoted = await note();
  await phone.forget(keepLocked);
  await Promise.race([endPush(), soon()]).catch(() => false); // the server ends them with the session in any case
  sessionStorage.clear();
  if (await tellServer()) {
    await caches.delete("signed-out");
    return location.replace("/");
  }
  if (!isNoted) await note(); // there is room now
  $("[data-heading]").textContent = "Signed out on this phone";
  $("[data-done]").textContent = "There is no signal, so the server doesn’t know yet. It is told before anything else, as soon as this phone can reach it.";
  $("#done").hidden = false;
}

function problem(text) {
  $("#problem span").textContent = text;
  $("#problem").hidden = false;
}

const told = await phone.count();
const waiting = told.waiting + told.attention;
// Only the button on the account's page leads on at once: an address that is opened by chance asks first.
const isMeant = sessionStorage.getItem("leaving") !== null;
sessionStorage.removeItem("leaving");
// Only what somebody was asked about is thrown away: another page may keep something in the same moment.
if (!waiting && isMeant) await leave(true);
else if (!waiting) {
  $("#plain").hidden = false;
  $("[data-leave]").addEventListener("click", () => leave(true));
} else {
  const words = `${waiting} ${waiting === 1 ? "entry waits" : "entries wait"} on this phone`;
  $("[data-told]").textContent = `${words}, not sent yet. What should become of ${waiting === 1 ? "it" : "them"}?`;
  choice.hidden = false;
  $("[data-send]").addEventListener("click", async () => {
    await phone.send();
    const left = await phone.count();
    if (!left.waiting && !left.attention) return leave(true);
    problem(left.attention ? "Some need your attention before they can be sent. Look at them first, or keep them locked." : "There is no connection. Try again later, or keep them locked.");
  });
  $("[data-keep]").addEventListener("click", () => leave(true));
  $("[data-discard]").addEventListener("click", () => {
    const isSure = $("#sure").value.trim().toLowerCase() === "throw away";
    if (!isSure) return problem("Type “throw away” in the box first. Nothing was thrown away.");
    return leave(false);
  });
}
document.querySelectorAll("[data-no-script]").forEach((e) => e.remove());
