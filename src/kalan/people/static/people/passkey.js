// Passkeys: asks the browser for the credential, then sends the form. Without WebAuthn (plain
// http, old browser) the form stays hidden and the page says what to do instead. A form that can
// also be sent without a passkey has a button for it, and gets its challenge when that is pressed.
(() => {
  const form = document.querySelector("form[data-passkey]");
  const data = document.getElementById("passkey-options");
  const button = form && form.querySelector("[data-passkey-button]");
  if (!form || !(data || button) || !window.PublicKeyCredential || !window.isSecureContext) return;
  for (const note of document.querySelectorAll("[data-passkey-missing]")) note.hidden = true;
  form.hidden = false;
  if (button) button.hidden = false;
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const read = ({ publicKey }) => {
    publicKey.challenge = bytes(publicKey.challenge);
    if (publicKey.user) publicKey.user.id = bytes(publicKey.user.id);
    for (const list of ["excludeCredentials", "allowCredentials"])
      for (const one of publicKey[list] || []) one.id = bytes(one.id);
    return { publicKey };
  };
  const ask = async () => {
    const body = new FormData(form);
    body.set("defi", "1");
    const answer = await fetch(location.href, { method: "POST", body, redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const said = await answer.json();
    form.elements.challenge.value = said.challenge;
    return read(said.options);
  };
  const options = data && read(JSON.parse(data.textContent));
  const give = async (event) => {
    event.preventDefault();
    if (button && !form.reportValidity()) return;
    const error = form.querySelector("[data-passkey-error]");
    error.textContent = "";
    error.className = "";
    if (button) button.disabled = true;
    try {
      const made = await navigator.credentials[form.dataset.passkey](button ? await ask() : options);
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
      if (button) button.disabled = false;
      error.className = "error";
      error.textContent = "L’appareil n’a pas donné de clé. Réessayez, ou prenez une autre façon.";
    }
  };
  if (button) button.addEventListener("click", give);
  else form.addEventListener("submit", give);
})();
