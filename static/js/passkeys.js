// Passkeys: the browser asks its owner, and what it answers goes into a plain form. They are offered only where the device
// can keep one. Recovery codes can be copied.

const able =
  window.PublicKeyCredential?.parseCreationOptionsFromJSON &&
  PublicKeyCredential.parseRequestOptionsFromJSON &&
  PublicKeyCredential.prototype.toJSON;

async function ask(form) {
  const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
  const headers = { Accept: "application/json" };
  const answer = await fetch(form.dataset.ask, { method: "POST", body, headers });
  const told = await answer.json().catch(() => ({ error: "The journal didn’t answer. Open this page again." }));
  if (!answer.ok) throw new Error(told.error);
  const credential =
    form.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(told) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(told) });
  return JSON.stringify(credential);
}

function inWords(error, declined = "Nothing was done. Tap the button again when you are ready.") {
  if (error.name === "NotAllowedError") return declined;
  if (error.name === "InvalidStateError") return "This device is set up here already.";
  if (error.name === "Error") return error.message;
  return "That didn’t work. Check your connection, and try again.";
}

for (const form of able ? document.querySelectorAll("form[data-passkey]") : []) {
  const told = form.querySelector("[data-told]");
  const button = form.querySelector("button");
  const label = button.textContent;
  form.hidden = false;
  document.querySelectorAll("[data-no-passkey]").forEach((e) => (e.hidden = true));
  document.querySelector("[data-other-way]")?.classList.remove("primary"); // one first button on a page
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (form.dataset.sent) return;
    form.dataset.sent = "yes";
    told.hidden = true;
    button.setAttribute("aria-disabled", "true");
    button.textContent = button.dataset.busy;
    try {
      form.elements.answer.value = await ask(form);
      if (form.dispatchEvent(new Event("answered", { cancelable: true }))) form.submit();
    } catch (error) {
      delete form.dataset.sent;
      button.removeAttribute("aria-disabled");
      button.textContent = label;
      told.textContent = inWords(error, form.dataset.declined);
      told.hidden = false;
    }
  });
}

const offer = document.querySelector("[data-passkey-offer]");
if (offer && able && (await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable())) offer.hidden = false;

const copying = document.querySelector("[data-copy]");
if (copying && navigator.clipboard) {
  copying.hidden = false;
  copying.addEventListener("click", async () => {
    const codes = [...document.querySelectorAll(".codes li")].map((one) => one.textContent);
    await navigator.clipboard.writeText(codes.join("\n"));
    copying.textContent = "Copied";
  });
}
