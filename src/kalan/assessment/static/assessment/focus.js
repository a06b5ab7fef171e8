/* Tells the server that the page was left or came back. Recorded and shown; nothing follows. */
"use strict";
(() => {
  const watch = document.querySelector("[data-watch]");
  const token = document.querySelector("[name=csrfmiddlewaretoken]");
  if (!watch || !token) return;
  let leaving = false;
  const fresh = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    return Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
  };
  const tell = (kind) => {
    const data = new FormData();
    data.append("csrfmiddlewaretoken", token.value);
    data.append("event", fresh());
    data.append("kind", kind);
    navigator.sendBeacon(watch.dataset.watch, data);
  };
  // To answer or to follow a link of the page is not to leave it.
  document.addEventListener("submit", () => { leaving = true; });
  document.addEventListener("click", (event) => { if (event.target.closest("a[href]")) leaving = true; });
  document.addEventListener("visibilitychange", () => {
    if (!leaving) tell(document.hidden ? "focus" : "back");
  });
})();
