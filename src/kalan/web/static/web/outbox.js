/* What this phone noted and the server has not yet stored. Pages and the service worker use it. */
"use strict";
self.kalan = (() => {
  const STORE = "outbox", BATCH = 50, PATIENCE = 30000, LONGEST = 300000;
  const channel = self.BroadcastChannel && new BroadcastChannel("kalan");
  const box = { state: "", heard: () => {} };
  let db, timer, tries = 0, queue = Promise.resolve();

  const open = () => db ||= new Promise((ok, no) => {
    const asked = indexedDB.open("kalan", 1);
    asked.onupgradeneeded = () =>
      asked.result.createObjectStore(STORE, { keyPath: "n", autoIncrement: true });
    asked.onerror = () => { db = null; no(asked.error); };
    asked.onsuccess = () => {
      // Let go when another page deletes the database, else nothing would be deleted.
      asked.result.onversionchange = asked.result.onclose = () => { asked.result.close(); db = null; };
      ok(asked.result);
    };
  });

  // A full phone shows as an abort: a promise that waits for "error" alone would hang for ever.
  const run = async (mode, work) => {
    const act = (await open()).transaction(STORE, mode, { durability: "strict" });
    const done = new Promise((ok, no) => {
      act.oncomplete = ok;
      act.onabort = act.onerror = () => no(act.error || new Error("abort"));
    });
    const asked = work(act.objectStore(STORE));
    await done;
    return asked && asked.result;
  };
  const told = () => { box.heard(); channel && channel.postMessage(box.state); };
  if (channel) channel.onmessage = (news) => { box.state = news.data; box.heard(); };

  box.all = () => run("readonly", (store) => store.getAll());
  box.change = async (records) => {
    await run("readwrite", (store) => { records.forEach((r) => store.put(r)); });
    told();
  };
  box.forget = (records) =>
    run("readwrite", (store) => { records.forEach((r) => store.delete(r.n)); });
  box.save = async (records) => {
    await box.change(records);
    if (!navigator.onLine) later();
    box.send();
  };
  box.unsent = async () => (await box.all()).filter((r) => !r.ack);

  // UUIDv7, RFC 9562 §5.7.
  box.id = () => {
    const b = crypto.getRandomValues(new Uint8Array(16));
    for (let i = 5, t = Date.now(); i >= 0; i--, t = Math.floor(t / 256)) b[i] = t % 256;
    b[6] = b[6] & 15 | 112;
    b[8] = b[8] & 63 | 128;
    const hex = Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  };

  // Background Sync, where there is one: an aid, never the road.
  const later = async () => {
    try { await (await navigator.serviceWorker.ready).sync.register("outbox"); } catch { /* none */ }
  };

  const post = async (url, who, batch) => {
    const stop = new AbortController(), alarm = setTimeout(() => stop.abort(), PATIENCE);
    try {
      const answer = await fetch(url, {
        method: "POST", signal: stop.signal, credentials: "same-origin", redirect: "error",
        headers: { "Content-Type": "application/json", "X-Kalan": "1" },
        body: JSON.stringify({ who, records: batch.map(({ n, url, who, ...r }) => r) }),
      });
      return answer.ok ? await answer.json() : answer.status;
    } finally { clearTimeout(alarm); }
  };

  // One batch, oldest first. Only what the server names is settled; the rest stays.
  const step = async (held) => {
    const waiting = (await box.all()).filter((r) => !r.ack && !r.no && !held.has(r.who + r.url));
    if (!waiting.length) return false;
    const { who, url } = waiting[0];
    const batch = waiting.filter((r) => r.who === who && r.url === url).slice(0, BATCH);
    const answer = await post(url, who, batch);
    if (answer >= 500 || answer === 429) throw new Error(answer);
    if (answer > 0) {
      held.add(who + url);
      box.state = { 401: "signin", 409: "person" }[answer] || "refused";
      return true;
    }
    const named = new Map(answer.answers.map((a) => [a.id, a]));
    const settled = batch.filter((r) => named.has(r.id)).map((r) => {
      const { v, m } = named.get(r.id);
      return v === "refused" ? { ...r, no: m } : { ...r, ack: answer.t, note: v === "conflict" && m };
    });
    if (!settled.length) throw new Error("no answer");
    await box.change(settled);
    return true;
  };
  const flush = async () => {
    clearTimeout(timer);
    const held = new Set();
    box.state = "";
    try {
      while (await step(held)) tries = 0;
    } catch {
      box.state = "line";
      timer = setTimeout(box.send, Math.min(LONGEST, 1000 * 2 ** ++tries) * (.5 + Math.random() / 2));
    }
    told();
    return (await box.unsent()).filter((r) => !r.no).length;
  };
  // One sender at a time, whatever the number of tabs. (Web Locks need https or localhost.)
  box.send = () => navigator.locks
    ? navigator.locks.request("kalan-outbox", flush)
    : (queue = queue.then(flush, flush));

  if (self.document) {
    addEventListener("online", box.send);
    document.addEventListener("visibilitychange", () => document.hidden || box.send());
    document.addEventListener("submit", async (event) => {
      const form = event.target;
      if (form.getAttribute("action") !== "/deconnexion/") return;
      event.preventDefault();
      await Promise.race([box.send(), new Promise((ok) => setTimeout(ok, 5000))]);
      const left = (await box.unsent().catch(() => [])).length;
      if (left && !confirm(`Présences non envoyées : ${left}. Sur un téléphone partagé, se déconnecter les efface ; sur le vôtre, elles partiront à votre prochaine connexion. Se déconnecter quand même ?`)) return;
      // Lists of names are not for whoever takes the phone next.
      const pages = self.caches && await caches.open("pages");
      for (const page of pages ? await pages.keys() : []) {
        if (page.url.includes("/gestion/")) await pages.delete(page);
      }
      form.submit();
    });
    box.send().catch(() => {});
  }
  return box;
})();

// The trainer's attendance screen. Without this file the page still works, as a form. One file with
// the outbox: whoever notes presences loads both, and on a slow line each request costs seconds.
(() => {
  const page = self.document && document.getElementById("presence");
  if (!page || !self.indexedDB) return;
  const { who, url } = page.dataset;
  const one = (selector, from = document) => from.querySelector(selector);
  const each = (selector, from = page) => from.querySelectorAll(selector);
  const bar = one("#etat"), refusals = one("#refus"), adding = one("#ajout");
  const marks = new Map();  // box → names of the marks behind it
  const saving = new Set();  // tapped, not yet in the phone's memory
  const key = (box) => box.name + box.value;
  let soon, mine = [], came;

  const boxes = () => each("li > label > input");
  const full = (d) => `${d.first_names} ${d.last_name.toUpperCase()}`.trim();
  const names = (box) => {
    if (!marks.has(key(box))) {
      // One field a half-day names the marks of its boxes, in their order.
      const part = box.closest("details"), all = one("[name=vu]", part).value.split(",");
      const mark = all[[...each("li > label > input", part)].indexOf(box)];
      marks.set(key(box), new Set(mark ? mark.split(" ") : []));
    }
    return marks.get(key(box));
  };

  // What had the keyboard has it again once it was drawn anew.
  const hold = () => {
    const { name, value } = document.activeElement, held = document.activeElement;
    return () => {
      const again = name && !held.isConnected && one(`input[name="${name}"][value="${value}"]`, page);
      if (again) again.focus({ preventScroll: true });
    };
  };

  async function draw() {
    const all = await kalan.all();
    const drawn = +one("#feuille").dataset.t;
    const known = all.filter((r) => r.url === url && r.ack && r.ack <= drawn);
    if (known.length) await kalan.forget(known);
    mine = all.filter((r) => r.url === url && !(r.ack && r.ack <= drawn));
    marks.clear();
    const again = hold();
    each("[data-new]").forEach((li) => li.remove());
    boxes().forEach((box) => { box.checked = box.defaultChecked; box.closest("li").hidden = false; });
    for (const r of [...mine, ...saving]) if (!r.no) apply(r);
    again();
    each("details[data-demi]").forEach((part) => {
      one("b", part).textContent = each("li:not([hidden]) :checked", part).length;
    });
    tell(all);
  }

  function apply(r) {
    if (r.k === "w" || r.k === "s") {
      each("details[data-demi]").forEach((part) => add(part, r));
      return;
    }
    const box = one(`input[name="${r.h}"][value="${r.r}"]`, page);
    if (!box) return;
    if (r.k === "m") names(box).add(r.id);
    else r.m.forEach((name) => names(box).delete(name));
    box.checked = r.k === "m" || names(box).size > 0;
    if (box.checked) box.closest("li").hidden = false;
  }

  function add(part, r) {
    const name = part.dataset.demi;
    if (r.k === "s") {
      const left = one(`input[value="${r.r}"]`, part);
      if (left && !left.checked) left.closest("li").hidden = true;
    }
    if (one(`input[value="${r.id}"]`, part)) return;
    const li = one("#ligne").content.firstElementChild.cloneNode(true), box = one("input", li);
    box.name = name;
    box.value = r.id;
    one("span", li).prepend(full(r.d) + " ");
    one("ul", part).append(li);
  }

  function tell(all) {
    const left = all.filter((r) => r.who === who && !r.ack && !r.no).length;
    const others = all.filter((r) => r.who !== who && !r.ack).length;
    const why = { line: "Pas de réponse du serveur.", person: "Notées par une autre personne.",
      refused: "Le serveur les refuse : rechargez la page." }[kalan.state] || "";
    bar.classList.toggle("notice-warn", left > 0);
    one("span", bar).textContent =
      (left ? `${left} non envoyée${left > 1 ? "s" : ""}. ` + (navigator.onLine ? why : "Hors ligne : gardées sur ce téléphone.")
        : "Tout est envoyé.") +
      (others ? ` ${others} d’une autre personne sur ce téléphone.` : "");
    one("button", bar).hidden = !left;
    one("a", bar).hidden = kalan.state !== "signin";
    const told = document.createElement("li");
    told.className = "notice notice-ok";
    told.append(`Ajoutée : ${came}, à rapprocher.`);
    refusals.replaceChildren(...came ? [told] : [], ...mine.filter((r) => r.no || r.note).map((r) => {
      const li = document.createElement("li");
      li.className = "notice notice-warn cluster spread";
      const box = r.r && one(`input[value="${r.r}"]`, page);
      li.append((box ? box.closest("label").textContent.trim() + " : " : "") + (r.no || r.note));
      if (r.no) li.append(button("Renvoyer", () => kalan.change([{ ...r, no: "" }]).then(kalan.send)),
        button("Effacer", () => kalan.forget([r]).then(draw)));
      return li;
    }));
    // The page kept for later must show what has been stored: read it again.
    clearTimeout(soon);
    if (!left && mine.some((r) => r.ack)) soon = setTimeout(refresh, 800);
  }
  const button = (text, act) => {
    const made = document.createElement("button");
    Object.assign(made, { type: "button", className: "btn", textContent: text, onclick: act });
    return made;
  };

  // The service worker keeps what it reads; here the list is put in place of the old one.
  async function refresh() {
    try {
      const answer = await fetch(location.pathname, { headers: { "X-Kalan": "1" } });
      if (!answer.ok || answer.redirected) return;
      const read = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = one("#feuille", read), old = one("#feuille"), again = hold();
      if (!fresh || read.getElementById("presence").dataset.who !== who) return location.reload();
      each("details[data-demi]", old).forEach((part) => {
        const same = one(`[data-demi="${part.dataset.demi}"]`, fresh);
        if (same) same.open = part.open;
      });
      old.replaceWith(document.adoptNode(fresh));
      ready();
      await draw();
      again();
    } catch { /* no line: the next occasion will do */ }
  }

  async function save(record) {
    came = 0;
    const r = { id: kalan.id(), t: Date.now(), who, url, ...record };
    saving.add(r);
    try {
      await kalan.save([r]);
      if (r.d) came = full(r.d);
    } catch (error) {
      alert(error.name === "QuotaExceededError"
        ? "La mémoire de ce téléphone est pleine : cette présence n’est pas gardée. Libérez de la place, ou notez-la sur papier."
        : "Ce téléphone n’a pas pu garder cette présence. Notez-la sur papier, puis rechargez la page.");
    } finally {
      saving.delete(r);
      await draw();
    }
  }

  page.addEventListener("change", (event) => {
    const box = event.target;
    if (!box.matches("li > label > input")) return;
    const id = kalan.id(), m = [...names(box)], r = { id, r: box.value, h: box.name };
    if (box.checked) names(box).add(id); else names(box).clear();
    save(box.checked ? { ...r, k: "m" } : { ...r, k: "x", m });
  });

  adding.addEventListener("submit", (event) => {
    event.preventDefault();
    const d = Object.fromEntries(new FormData(adding)), replaced = d.replaces;
    ["csrfmiddlewaretoken", "uid", "replaces"].forEach((name) => delete d[name]);
    const id = kalan.id();
    save(replaced ? { id, k: "s", r: replaced, d } : { id, k: "w", d }).then(() => {
      const box = one(`.part[open] input[value="${id}"]`);
      if (box) box.focus();
    });
    adding.reset();
    adding.closest("details").open = false;
  });

  // With the script, every tap is saved: the buttons of the form are not needed.
  const ready = () => each("[data-sans-script]").forEach((made) => { made.hidden = true; });

  one("button", bar).onclick = () => kalan.send();
  kalan.heard = () => draw().catch(() => {});
  const back = () => document.hidden || refresh();
  document.addEventListener("visibilitychange", back);
  addEventListener("online", back);
  addEventListener("offline", kalan.heard);

  (async () => {
    await draw();
    ready();
    bar.hidden = false;
    if (each(".part").length > 5) one(".part[open]").scrollIntoView();
    const workers = navigator.serviceWorker;
    if (!workers) {
      one("#sans-https").hidden = false;
      return;
    }
    if (navigator.storage) navigator.storage.persist();
    // Pages kept for somebody else are not for this person.
    if (localStorage.who && localStorage.who !== who) await caches.delete("pages");
    const renew = localStorage.who !== who;
    localStorage.who = who;
    workers.addEventListener("controllerchange", refresh);
    const worker = await workers.register("/sw.js");
    if (worker.waiting && !mine.length) worker.waiting.postMessage("skip");
    if (renew && workers.controller) refresh();
  })().catch(() => {});
})();
