/* Checks a credential here, without a network: docs/format-qr.md. The reader is as strict as
   engine/signing/cose.py; tests give both the same cases. */
"use strict";
self.verifier = (() => {
  const LONGEST = 1200, DAY = 86400, SAFE = Number.MAX_SAFE_INTEGER;
  const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const UNSEEN = /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/, SEEN = /[^\s]|\ufeff/;
  const ES256 = { name: "ECDSA", hash: "SHA-256" }, CURVE = { name: "ECDSA", namedCurve: "P-256" };
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  class Refusal extends Error {
    constructor(says, claims) { super(says); this.says = says; this.claims = claims; }
  }
  const refuse = (says, claims) => { throw new Refusal(says, claims); };

  // CBOR, RFC 8949 §4.2.1: what could be written in two ways is refused.
  const decode = (data) => {
    let at = 0;
    const take = (size) => {
      if (at + size > data.length) refuse("truncated");
      return data.subarray(at, at += size);
    };
    const head = () => {
      const first = take(1)[0], major = first >> 5, info = first & 31;
      if (major > 5) refuse("malformed");
      if (info < 24) return [major, info];
      if (info > 27) refuse(info === 31 && major > 1 ? "not_canonical" : "malformed");
      const size = 1 << info - 24;
      const number = take(size).reduce((sum, byte) => sum * 256 + byte, 0);
      if (number < (size === 1 ? 24 : 2 ** (4 * size))) refuse("not_canonical");
      if (number > SAFE) refuse("malformed");
      return [major, number];
    };
    const value = (depth) => {
      if (depth > 4) refuse("malformed");
      const [major, number] = head();
      if (major === 0) return number;
      if (major === 1) return -1 - number;
      if (major === 2) return take(number);
      if (major === 3) {
        const bytes = take(number);
        try { return utf8.decode(bytes); } catch { refuse("bad_utf8"); }
      }
      if (major === 4) {
        const list = [];
        for (let n = 0; n < number; n++) list.push(value(depth + 1));
        return list;
      }
      const map = new Map();
      let before = "";
      for (let n = 0; n < number; n++) {
        const start = at, key = value(depth + 1), written = hex(data.subarray(start, at));
        if (typeof key !== "number") refuse("malformed");
        if (map.has(key)) refuse("duplicate_key");
        if (written < before) refuse("not_canonical");
        map.set(key, value(depth + 1));
        before = written;
      }
      return map;
    };
    const found = value(0);
    if (at !== data.length) refuse("trailing_bytes");
    return found;
  };

  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const isBytes = (value) => value instanceof Uint8Array;
  const head = (major, size) => size < 24 ? [major << 5 | size]
    : size < 256 ? [major << 5 | 24, size] : [major << 5 | 25, size >> 8, size & 255];
  const joined = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

  const fromText = (text) => {
    // Characters as Python counts them.
    if (text.length > LONGEST && [...text].length > LONGEST) refuse("too_large");
    if (!text.startsWith("K1.")) refuse(/^K\d+\./.test(text) ? "unknown_version" : "not_a_credential");
    const body = text.slice(3), data = [];
    if (!/^[A-Z2-7]*$/.test(body)) refuse("bad_character");
    if ([1, 3, 6].includes(body.length % 8)) refuse("truncated");
    let bits = 0, held = 0;
    for (const letter of body) {
      held = held << 5 | BASE32.indexOf(letter);
      bits += 5;
      if (bits >= 8) { bits -= 8; data.push(held >> bits); held &= (1 << bits) - 1; }
    }
    if (held) refuse("not_canonical");
    return Uint8Array.from(data);
  };

  const toCode = (bytes) => {
    let code = "", bits = 0, held = 0;
    for (const byte of bytes) {
      held = held << 8 | byte;
      for (bits += 8; bits >= 5;) { bits -= 5; code += CROCKFORD[held >> bits]; held &= (1 << bits) - 1; }
    }
    return code;
  };

  // What a person typed, or null: spaces, dashes, lower case do not matter; O is 0, I and L are 1.
  const normalise = (typed) => {
    const code = typed.replace(/[\s\u200b\u00ad._\-\u2010-\u2015\u2212]+/g, "").toUpperCase()
      .replace(/O/g, "0").replace(/[IL]/g, "1");
    return /^[0-9A-HJKMNP-TV-Z]{24}$/.test(code) ? code : null;
  };

  const fromBase64 = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

  // The key set of /verifier/cles.json: keys by the 8 bytes that credentials name them by.
  const keyring = async (set) => {
    const ring = new Map();
    const short = (kid) => hex(fromBase64(kid).subarray(0, 8));
    for (const { kid, kty, crv, x, y, since, until } of set.keys) {
      if (kty !== "EC" || crv !== "P-256") continue;
      const key = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, CURVE, false, ["verify"]);
      ring.set(short(kid), { key, since, until });
    }
    for (const kid of set.revoked) ring.set(short(kid), { revoked: true });
    return ring;
  };

  const text = (value) =>
    typeof value === "string" && SEEN.test(value) && !UNSEEN.test(value) ? value : refuse("malformed");
  const small = (value, most = 23) =>
    typeof value === "number" && value >= 0 && value <= most ? value : refuse("malformed");
  const day = (value) => {
    if (typeof value !== "number" || value < 0 || value % DAY || value > DAY * 100000) refuse("malformed");
    return value / DAY;
  };
  const iso = (days) => new Date(days * DAY * 1000).toISOString().slice(0, 10);

  const claimsOf = (payload) => {
    if (!(payload instanceof Map)) refuse("malformed");
    const act = payload.get(-65537), code = payload.get(7), named = payload.has(2), ends = payload.has(4);
    if (payload.size !== 4 + named + ends || ![1, 6, 7, -65537].every((key) => payload.has(key)) ||
        !isBytes(code) || code.length !== 15 || !Array.isArray(act) || ![3, 4].includes(act.length)) {
      refuse("malformed");
    }
    const issued = day(payload.get(6)), end = ends && day(payload.get(4));
    if (ends && end <= issued) refuse("malformed");
    const levels = [], listed = act[3];
    const claims = {
      code: toCode(code), raw: code, kind: small(act[0], 4), mode: small(act[2], 3),
      issuer: text(payload.get(1)), title: text(act[1]), name: named ? text(payload.get(2)) : "",
      issued: iso(issued), expires: ends ? iso(end - 1) : null, levels,
    };
    if (act.length === 4) {
      if (!Array.isArray(listed) || !listed.length || listed.length % 2) refuse("malformed");
      for (let n = 0; n < listed.length; n += 2) levels.push([text(listed[n]), small(listed[n + 1])]);
    }
    return claims;
  };

  // What a credential says; throws a Refusal whose « says » is a word of docs/format-qr.md.
  const open = async (credential, ring, now = new Date(), code = null) => {
    const data = fromText(credential);
    if (data[0] !== 0xd2) refuse(data.length ? "malformed" : "truncated");
    const whole = decode(data.subarray(1));
    if (!Array.isArray(whole) || whole.length !== 4) refuse("malformed");
    const [guarded, open, payload, signature] = whole;
    if (!isBytes(guarded) || !(open instanceof Map) || !isBytes(payload) || !isBytes(signature)) refuse("malformed");
    const header = decode(guarded);
    if (open.size || !(header instanceof Map)) refuse("malformed");
    if (header.get(1) !== -7) refuse("wrong_algorithm");
    const kid = header.get(4);
    if (header.size !== 2 || !isBytes(kid) || signature.length !== 64) refuse("malformed");
    const known = ring.get(hex(kid)) || refuse("unknown_key");
    if (known.revoked) refuse("key_revoked");
    const signed = joined([0x84, 0x6a], new TextEncoder().encode("Signature1"),
      head(2, guarded.length), guarded, [0x40], head(2, payload.length), payload);
    if (!await crypto.subtle.verify(ES256, known.key, signature, signed)) refuse("altered");
    const claims = claimsOf(decode(payload));
    if (known.since && claims.issued < known.since || known.until && claims.issued > known.until) {
      refuse("key_out_of_date", claims);
    }
    if (code !== null && claims.code !== code) refuse("other_code", claims);
    const today = Math.floor(now / DAY / 1000);
    if (claims.issued > iso(today + 1)) refuse("not_yet", claims);
    if (claims.expires && claims.expires < iso(today)) refuse("expired", claims);
    return claims;
  };

  // The list of /verifier/revoques.json, once its signature holds.
  const openList = async (jws, ring) => {
    const { alg, kid, typ } = JSON.parse(utf8.decode(fromBase64(jws.protected)));
    const known = ring.get(hex(fromBase64(kid).subarray(0, 8)));
    if (alg !== "ES256" || typ !== "kalan-revoked+json" || !known || known.revoked) refuse("unknown_key");
    const signed = new TextEncoder().encode(`${jws.protected}.${jws.payload}`);
    if (!await crypto.subtle.verify(ES256, known.key, fromBase64(jws.signature), signed)) refuse("altered");
    const body = JSON.parse(utf8.decode(fromBase64(jws.payload))), entries = fromBase64(body.revoked);
    const has = async ({ raw }) => {
      const wanted = new Uint8Array(await crypto.subtle.digest("SHA-256", raw)).subarray(0, 8);
      for (let at = 0; at < entries.length; at += 8) {
        if (wanted.every((byte, n) => byte === entries[at + n])) return true;
      }
      return false;
    };
    return { at: body.iat, has };
  };

  // The credential in what was scanned or pasted, and the code of the address before it.
  const split = (pasted) => {
    const found = pasted.trim(), hash = found.indexOf("#");
    const code = hash < 0 ? null : /\/verifier\/([^/?#]+)\/?(?:\?[^#]*)?$/.exec(found.slice(0, hash));
    return { credential: found.slice(hash + 1), code: code && (normalise(code[1]) || code[1]) };
  };

  const MESSAGES = {
    not_a_credential: "Ce code n’est pas une attestation que Kalan sait lire.",
    unknown_version: "Cette attestation est d’un format plus récent que cette page.",
    too_large: "Ce code est trop long pour être une attestation.",
    bad_character: "Le code contient un caractère qui ne peut pas s’y trouver.",
    truncated: "Il manque la fin du code : reprenez le lien entier, ou scannez de nouveau.",
    trailing_bytes: "Quelque chose a été ajouté à la fin du code.",
    not_canonical: "Le code est écrit d’une façon que Kalan n’emploie pas.",
    duplicate_key: "Le code dit deux fois la même chose.",
    bad_utf8: "Le code contient un texte illisible.",
    malformed: "Le code n’a pas la forme d’une attestation.",
    wrong_algorithm: "Le code est signé d’une façon que Kalan n’accepte pas.",
    unknown_key: "La clé qui a signé ce code n’est pas connue ici.",
    key_revoked: "La clé qui a signé ce code a été révoquée.",
    key_out_of_date: "La clé qui a signé ce code ne servait pas à cette date.",
    altered: "Le contenu a été changé, ou ne vient pas de l’émetteur annoncé.",
    not_yet: "Ce code porte une date d’émission à venir.",
    expired: "La validité de ce document est passée.",
    other_code: "Le contenu du QR code et le numéro de l’adresse ne vont pas ensemble.",
    no_keys: "Cet appareil n’a pas encore les clés de l’émetteur : ouvrez cette page une fois avec un réseau.",
    not_secure: "Ce contrôle demande une adresse en https.",
  };
  const KINDS = ["Acte", "Attestation de présence", "Attestation de formation",
    "Certificat de compétences", "Attestation de formateur"];
  const MODES = ["à signer à la main : regardez la signature et le cachet sur le papier",
    "autorité interne, essai ou usage interne", "autorité interne du ministère", "prestataire accrédité"];

  // Keys and revocations: kept on this device, asked for anew when there is a line.
  const KEYS = "/verifier/cles.json", REVOKED = "/verifier/revoques.json";
  const site = { ring: null, list: null, fresh: 0 };
  const store = () => self.caches && caches.open("verifier-data");
  const kept = async (url) => { const found = await (await store())?.match(url); return found && found.json(); };
  const fetched = async (url) => {
    const answer = await fetch(url, { credentials: "omit", cache: "no-cache" });
    if (!answer.ok) throw new Error(answer.status);
    return answer.json();
  };
  const keep = async (url, value) =>
    (await store())?.put(url, new Response(JSON.stringify(value), { headers: { "Content-Type": "application/json" } }));
  const newer = async (jws) => {
    const list = await openList(jws, site.ring);
    if (site.list && list.at < site.list.at) return false;
    site.list = list;
    return true;
  };
  site.load = async () => {
    if (!self.crypto?.subtle) return;
    try {
      const set = await kept(KEYS), jws = set && await kept(REVOKED);
      if (set) site.ring = await keyring(set);
      if (jws) await newer(jws);
    } catch { /* nothing usable is kept */ }
  };
  site.refresh = async () => {
    if (!self.crypto?.subtle) return "Ce contrôle demande une adresse en https.";
    try {
      const set = await fetched(KEYS);
      site.ring = await keyring(set);
      await keep(KEYS, set);
    } catch { return "Hors ligne."; }
    try {
      const jws = await fetched(REVOKED);
      if (await newer(jws)) await keep(REVOKED, jws);
      site.fresh = Date.now();
      return "À jour.";
    } catch { return "Liste non renouvelée."; }
  };

  // What is to be said of a credential: { says, claims, revoked }.
  const judge = async (credential, code) => {
    if (!self.crypto?.subtle) return { says: "not_secure" };
    if (!site.ring) return { says: "no_keys" };
    let says = "ok", claims;
    try {
      claims = await open(credential, site.ring, new Date(), code);
    } catch (error) {
      says = error.says || "malformed";
      claims = error.claims;
    }
    const holds = says === "ok" || says === "expired";
    return { says, claims, revoked: holds && site.list ? await site.list.has(claims) : false };
  };

  const node = (name, text, kind) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };
  const french = (day) => day.split("-").reverse().join("/");
  const listDay = () => new Date(site.list.at * 1000).toLocaleDateString("fr-FR");

  const verdict = ({ says, claims, revoked }) => {
    if (revoked) {
      const again = Date.now() - site.fresh < 6e5 ? "" : " Une révocation s’annule parfois dans la journée : avec un réseau, renouvelez la liste.";
      return ["bad", "Révoqué", `Ce document figure dans la liste des révocations du ${listDay()}.${again}`];
    }
    if (says === "expired") return ["warn", "Expiré", `Valable jusqu’au ${french(claims.expires)} inclus.`];
    if (says !== "ok") return ["bad", "Non vérifié", MESSAGES[says]];
    const since = site.list && `Non révoqué d’après la liste du ${listDay()}.`;
    if (!since) return ["warn", "Signature bonne, révocation non vérifiée", "Cet appareil n’a pas de liste des révocations."];
    if (!claims.mode) return ["info", "Inscrit au registre, à signer à la main", `Regardez la signature et le cachet sur le papier. ${since}`];
    if (Date.now() / 1000 - site.list.at > 30 * DAY) return ["warn", "Valable, liste ancienne", `${since} Retrouvez un réseau pour la renouveler.`];
    return ["ok", "Valable", since];
  };

  // The answer in words, put in place of what stood in `place`.
  const show = (place, outcome, heading = "h2") => {
    const [tone, title, why] = verdict(outcome), { says, claims } = outcome;
    const box = node("div", "", `notice notice-${tone} verdict`);
    box.append(node(heading, title), node("p", why));
    if (claims && says !== "other_code") {
      const facts = node("dl");
      const fact = (name, text) => facts.append(node("dt", name), node("dd", text));
      fact("Document", KINDS[claims.kind]);
      fact("Intitulé", claims.title);
      if (claims.name) fact("Titulaire", claims.name);
      fact("Émetteur", claims.issuer);
      fact("Émis le", french(claims.issued));
      fact("Validité", claims.expires ? `jusqu’au ${french(claims.expires)}` : "sans limite");
      for (const [domain, level] of claims.levels) fact(domain, `niveau ${level}`);
      fact("Signature du document", MODES[claims.mode]);
      fact("Code", claims.code.match(/.{4}/g).join(" "));
      box.append(facts, node("p", "Ce contrôle ne dit pas qui présente le document : demandez une pièce d’identité.", "muted"));
    }
    place.replaceChildren(box);
    place.hidden = false;
  };

  // Beside the server's answer: what the QR code itself says (credentials/_attestation.html).
  const beside = async () => {
    const place = self.document && document.getElementById("attestation");
    if (!place || location.hash.length < 2) return;
    await site.load();
    await site.refresh();
    show(place.querySelector("[data-result]"), await judge(location.hash.slice(1), place.dataset.code), "h3");
    place.hidden = false;
  };
  if (self.document) addEventListener("hashchange", beside), beside();

  return { keyring, normalise, open, openList, split, judge, show, site, listDay, MESSAGES, Refusal };
})();
