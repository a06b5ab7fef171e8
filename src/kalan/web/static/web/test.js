/* A test without this file works too. With it, an answer given without a network is kept on the
   phone and sent when the line is back; the time left counts down; leaving the page is noted where
   the test watches that. */
"use strict";
(() => {
  const one = (selector, from = document) => from.querySelector(selector);
  const key = "test" + location.pathname;
  let busy, later;

  const tell = (text) => {
    let bar = one("#ligne");
    if (!bar) {
      bar = document.createElement("p");
      bar.id = "ligne";
      bar.className = "notice notice-warn";
      bar.setAttribute("role", "status");
      one("main > div").prepend(bar);
    }
    bar.textContent = text;
  };

  const send = async (body) => {
    if (busy) return;
    busy = 1;
    clearTimeout(later);
    localStorage[key] = body;
    try {
      const sent = new URLSearchParams(body), token = one("[name=csrfmiddlewaretoken]");
      if (token) sent.set(token.name, token.value);
      const answer = await fetch(location.pathname, { method: "POST", body: sent });
      if (answer.status >= 500) throw answer;
      if (answer.redirected) return location.assign(answer.url);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      delete localStorage[key];
      document.title = page.title;
      document.body.replaceWith(page.body);
      scrollTo(0, 0);
      one("main").focus();
      tick();
    } catch {
      tell("Pas de réseau : votre réponse est gardée sur ce téléphone. Elle partira dès qu’il revient.");
      later = setTimeout(again, 8000);
    }
    busy = 0;
  };
  const again = () => localStorage[key] && send(localStorage[key]);

  addEventListener("submit", (event) => {
    const data = new FormData(event.target), button = event.submitter;
    if (!data.has("u")) return;
    event.preventDefault();
    if (button && button.name) data.set(button.name, 1);
    send(new URLSearchParams(data).toString());
  });
  addEventListener("online", again);

  const tick = () => {
    const left = one("#temps"), s = left && Math.max(0, left.dataset.fin - Date.now() / 1000);
    if (left) left.textContent = s ? `Il reste ${Math.ceil(s / 60)} min` : "Le temps est écoulé.";
  };
  setInterval(tick, 15000);
  tick();

  // To follow a link, to reload, to send is not to leave the page.
  let gone;
  addEventListener("pagehide", () => { gone = 1; });
  addEventListener("pageshow", () => { gone = 0; });
  document.addEventListener("visibilitychange", () => {
    const form = one("[data-page]");
    if (!form || gone) return;
    const data = new FormData(form);
    data.set("k", document.hidden ? "focus" : "back");
    navigator.sendBeacon(location.pathname + "page/", data);
  });
  again();
})();
