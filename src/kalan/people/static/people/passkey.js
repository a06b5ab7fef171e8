// Passkeys: asks the browser for the credential, then sends the form. Without WebAuthn (plain
// http, old browser) the form stays hidden and the page says what to do instead.
(() => {
  const form = document.querySelector("form[data-passkey]");
  const data = document.getElementById("passkey-options");
  if (!form || !data || !window.PublicKeyCredential || !window.isSecureContext) return;
  for (const note of document.querySelectorAll("[data-passkey-missing]")) note.hidden = true;
  form.hidden = false;
  const options = JSON.parse(data.textContent).publicKey;
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  for (const list of ["excludeCredentials", "allowCredentials"])
    for (const one of options[list] || []) one.id = bytes(one.id);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const error = form.querySelector("[data-passkey-error]");
    error.textContent = "";
    error.className = "";
    try {
      const made = await navigator.credentials[form.dataset.passkey]({ publicKey: options });
      const answer = { clientDataJSON: text(made.response.clientDataJSON) };
      for (const key of ["attestationObject", "authenticatorData", "signature", "userHandle"])
        if (made.response[key]) answer[key] = text(made.response[key]);
      form.elements.credential.value = JSON.stringify({
        id: made.id,
        rawId: text(made.rawId),
        type: made.type,
        response: answer,
        clientExtensionResults: made.getClientExtensionResults(),
      });
      form.submit();
    } catch {
      error.className = "error";
      error.textContent = "L’appareil n’a pas donné de clé. Réessayez, ou prenez une autre façon.";
    }
  });
})();
