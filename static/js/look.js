// Pages that a phone keeps are the same for everybody: low light is remembered here, and set before anything is drawn.
try {
  if (localStorage.getItem("look") === "low") document.documentElement.dataset.look = "low";
} catch {
  // Storage may be switched off; then they come as usual.
}
