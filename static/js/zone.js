// The browser knows its time zone: offer it, never change it by itself.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const hidden = document.querySelector("input[data-zone]");
if (hidden && zone) hidden.value = zone;
const offer = document.querySelector("[data-zone-offer]");
const pick = document.querySelector("select[data-zone-pick]");
if (offer && pick && zone && zone !== pick.value && [...pick.options].some((o) => o.value === zone)) {
  offer.hidden = false;
  offer.querySelector("[data-zone-name]").textContent = zone.replaceAll("_", " ");
  offer.querySelector("[data-zone-take]").addEventListener("click", () => {
    pick.value = zone;
    offer.hidden = true;
    pick.focus();
  });
}
if (pick) {
  pick.addEventListener("change", () => document.querySelector("[data-zone-now]")?.setAttribute("hidden", ""));
}
