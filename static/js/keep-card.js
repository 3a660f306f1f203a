// The safety plan's page: a crisis card on this phone, for hours without signal, where somebody wants one.

import * as phone from "./phone.js";

const place = document.getElementById("card");
const button = place.querySelector("[data-keep]");
const said = place.querySelector("[data-said]");
const words = { no: button.textContent, yes: button.dataset.other };

async function keep() {
  const answer = await fetch("/safety-plan/card.json", { cache: "no-store", redirect: "error" });
  if (!answer.ok) throw new Error(answer.status);
  await phone.keepThing("card", await answer.json());
}

async function show() {
  const isKept = Boolean(await phone.findThing("card"));
  button.textContent = isKept ? words.yes : words.no;
  return isKept;
}

if (crypto.subtle && "serviceWorker" in navigator) {
  await phone.prepare();
  if (await show()) await keep().catch(() => false); // it says what the plan says now
  place.hidden = false;
  button.addEventListener("click", async () => {
    try {
      if (await show()) {
        await phone.dropThing("card");
        said.textContent = "It is off this phone.";
      } else {
        await keep();
        said.textContent = "It is on this phone.";
      }
    } catch {
      said.textContent = "That didn’t work. Nothing was changed. Try again when there is signal.";
    }
    await show();
  });
}
