/* Served at /sw.js, with FILES and OUTBOX filled in by web.views.offline. */
"use strict";
const FILES = [], OUTBOX = "";
const LIMIT = 3000, KEPT_FILES = 60, PAGES = "pages", STATIC = "files", OFFLINE = "/hors-ligne/";
importScripts(OUTBOX);

addEventListener("install", (event) => event.waitUntil((async () => {
  await (await caches.open(STATIC)).addAll(FILES);
  await (await caches.open(PAGES)).add(OFFLINE);
})()));

// Pages kept earlier still name older files: only the oldest of many are dropped.
addEventListener("activate", (event) => event.waitUntil((async () => {
  const files = await caches.open(STATIC), names = await files.keys();
  await Promise.all(names.slice(0, -KEPT_FILES).map((name) => files.delete(name)));
  await clients.claim();
})()));

addEventListener("message", (event) => event.data === "skip" && skipWaiting());
addEventListener("sync", (event) => event.waitUntil(kalan.send().then((left) => {
  if (left) throw new Error("later");
})));

addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("/static/")) event.respondWith(file(request));
  else if (request.headers.has("X-Kalan")) event.respondWith(fresh(request, url));
  else if (request.mode === "navigate") event.respondWith(page(event, request, url));
});

// Names carry a hash of the content: what is kept is right for ever.
async function file(request) {
  const kept = await caches.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) (await caches.open(STATIC)).put(request, answer.clone());
  return answer;
}

// From the line; a page that asks for it is kept.
async function fresh(request, url) {
  const answer = await fetch(request);
  if (answer.ok && !answer.redirected && answer.headers.has("Kalan-Offline")) {
    await (await caches.open(PAGES)).put(url.pathname, answer.clone());
  }
  return answer;
}

// The line first, for three seconds; then what is kept; at worst a page that says so.
async function page(event, request, url) {
  const line = fresh(request, url);
  event.waitUntil(line.catch(() => {}));
  const kept = await caches.match(url.pathname);
  if (!kept) return line.catch(() => caches.match(OFFLINE));
  const sound = line.then((answer) => answer.status < 500 ? answer : kept, () => kept);
  return Promise.race([sound, new Promise((ok) => setTimeout(ok, LIMIT, kept))]);
}
