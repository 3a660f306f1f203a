// The help page: what was just kept and isn't sent yet, and the crisis card, where somebody keeps one on this phone.

import * as phone from "./phone.js";

const main = document.getElementById("main");
const box = (words) => {
  const made = document.createElement("div");
  made.className = "banner";
  made.setAttribute("role", "status");
  made.innerHTML = "<div><p><b></b></p><p></p></div>";
  [made.querySelector("b").textContent, made.querySelector("p + p").textContent] = words;
  return made;
};

if (new URLSearchParams(location.search).has("kept")) {
  const { waiting } = await phone.count().catch(() => ({}));
  if (waiting) main.prepend(box(["Saved on this phone, not sent yet.", "Nobody else has seen it. Please call or text somebody yourself."]));
}

function line(name, number) {
  const made = document.createElement("a");
  made.className = "help-line";
  made.href = `tel:${number.replace(/[^0-9+]/g, "")}`;
  made.innerHTML = "<span><b></b></span>";
  made.querySelector("b").textContent = `Call ${name}`;
  made.querySelector("span").append(number);
  return made;
}

const isKept = document.documentElement.dataset.owner === undefined;
const card = isKept && (await phone.findThing("card").catch(() => null));
if (card) {
  const place = document.createElement("section");
  const title = document.createElement("h2");
  title.textContent = "My crisis card";
  place.append(title);
  if (card.person_number) place.append(line(card.person_name || "my person", card.person_number));
  if (card.clinic_number) place.append(line(card.clinic_name || "my clinic", card.clinic_number));
  for (const [heading, text] of card.parts) {
    const part = document.createElement("h3");
    const words = document.createElement("p");
    words.className = "note";
    [part.textContent, words.textContent] = [heading, text];
    place.append(part, words);
  }
  [...main.querySelectorAll("h2")].find((e) => !e.closest(".card")).before(place); // the lines that are always there come first
}
