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
      if (left && !confirm(`Présences non envoyées : ${left}. Sur un téléphone partagé, se déconnecter les efface ; sur le vôtre, elles partiront à votre prochaine connexion. Se déconnecter quand même ?`)) return;
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
