/* Served at /verifier/sw.js for /verifier/ alone, with FILES and EDITION filled in by
   credentials.views.offline. The rest of the site has its own worker, /sw.js. */
"use strict";
const FILES = [], EDITION = "";
const LIMIT = 4000, FILES_KEPT = "verifier-files", PAGE_KEPT = "verifier-page", PAGE = "/verifier/hors-ligne/";

addEventListener("install", (event) => event.waitUntil((async () => {
  await (await caches.open(FILES_KEPT)).addAll(FILES);
  // Asked for as nobody: the page that is kept names no one.
  const page = await fetch(PAGE, { credentials: "omit", cache: "reload" });
  if (!page.ok) throw new Error(page.status);
  await (await caches.open(PAGE_KEPT)).put(PAGE, page);
  await skipWaiting();
})()));

addEventListener("activate", (event) => event.waitUntil((async () => {
  const files = await caches.open(FILES_KEPT), wanted = FILES.map((name) => new URL(name, location).href);
  for (const kept of await files.keys()) if (!wanted.includes(kept.url)) await files.delete(kept);
  await clients.claim();
})()));

addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (FILES.includes(url.pathname)) event.respondWith(file(request));
  else if (request.mode === "navigate" && /^\/verifier\/([^/.]+\/)?$/.test(url.pathname)) event.respondWith(page(request));
});

// Names carry a hash of the content: what is kept is right for ever.
async function file(request) {
  return await caches.match(request.url, { cacheName: FILES_KEPT }) || fetch(request);
}

// The line first; after four seconds, or without one, the page that checks here.
async function page(request) {
  const kept = await caches.match(PAGE, { cacheName: PAGE_KEPT });
  const line = fetch(request);
  if (!kept) return line;
  const sound = line.then((answer) => answer.status < 500 ? answer : kept, () => kept);
  return Promise.race([sound, new Promise((ok) => setTimeout(ok, LIMIT, kept))]);
}
