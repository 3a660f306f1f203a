// A button that prints, where the browser can.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
for (const said of document.querySelectorAll("[data-no-print-button]")) said.hidden = true;
