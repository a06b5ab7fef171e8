/* The progress of long work: asks for the page again and takes its bar, until it is over. */
"use strict";
(() => {
  const PAUSE = 1000, LONGEST = 15000;
  let pause = PAUSE;
  const ask = async () => {
    try {
      const answer = await fetch(location.href, {headers: {Accept: "text/html"}, redirect: "error"});
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.getElementById("avancement"), here = document.getElementById("avancement");
      if (!now || !("going" in now.dataset)) { location.reload(); return; }
      document.title = page.title;
      const held = here.contains(document.activeElement);
      here.replaceWith(document.importNode(now, true));
      if (held) document.querySelector("#avancement a").focus();
      pause = PAUSE;
    } catch {
      pause = Math.min(pause * 2, LONGEST); // the line is down; the work goes on without it
    }
    setTimeout(ask, pause);
  };
  setTimeout(ask, pause);
})();
