/* The page /verifier/hors-ligne/: by camera, by photo, by link. The service worker also gives it
   for /verifier/<code>/ when there is no line. */
"use strict";
(() => {
  const { site, split, judge, show, listDay, normalise } = verifier;
  const root = document.getElementById("hors-ligne"), place = document.getElementById("resultat");
  const state = document.getElementById("etat"), camera = document.getElementById("camera");
  const film = document.getElementById("film"), stop = document.getElementById("arreter");
  let stream, asked;

  const say = (text) => { state.textContent = text; };
  const told = (how) => {
    const list = site.list ? `Liste du ${listDay()}.` : "Pas encore de liste des révocations.";
    const keys = site.ring ? "" : "Pas encore de clés : ouvrez cette page une fois avec un réseau. ";
    say(`${keys}${list} ${how}`);
  };

  const check = async (pasted, code) => {
    asked = [pasted, code];
    const found = split(pasted);
    show(place, await judge(found.credential, code ?? found.code));
    place.focus();
  };

  const refresh = async () => {
    told(await site.refresh());
    if (asked) await check(...asked);
  };

  // Reading pictures: the browser's own reader, else ours, fetched when first needed.
  let reader;
  const ours = () => reader ||= new Promise((ok, no) => {
    const script = document.createElement("script");
    script.src = root.dataset.reader;
    script.onload = () => ok(self.decodeQR);
    script.onerror = () => { reader = null; no(new Error("reader")); };
    document.head.append(script);
  });
  let native;
  const detector = async () => {
    if (native === undefined) {
      const formats = self.BarcodeDetector ? await BarcodeDetector.getSupportedFormats().catch(() => []) : [];
      native = formats.includes("qr_code") ? new BarcodeDetector({ formats: ["qr_code"] }) : null;
    }
    return native;
  };
  const canvas = document.createElement("canvas");
  const look = async (picture, width, height, most) => {
    const own = await detector();
    if (own) {
      const [found] = await own.detect(picture).catch(() => []);
      if (found) return found.rawValue;
    }
    const decode = await ours(), scale = Math.min(1, most / Math.max(width, height));
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    try { return decode(pen.getImageData(0, 0, canvas.width, canvas.height)); } catch { return null; }
  };

  const halt = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    film.hidden = stop.hidden = true;
    camera.hidden = false;
  };
  const scan = async () => {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
    } catch {
      return say("L’appareil photo n’est pas accessible : choisissez une photo, ou collez le lien.");
    }
    film.srcObject = stream;
    film.hidden = stop.hidden = false;
    camera.hidden = true;
    await film.play();
    while (stream) {
      const text = film.videoWidth && await look(film, film.videoWidth, film.videoHeight, 1000).catch(() => null);
      if (text && stream) { halt(); return check(text); }
      await new Promise((go) => setTimeout(go, 200));
    }
  };
  const photo = async (file) => {
    let picture;
    try { picture = await createImageBitmap(file); } catch { return say("Ce fichier n’est pas une image lisible."); }
    for (const most of [1200, 2400, 700]) {
      const text = await look(picture, picture.width, picture.height, most).catch(() => null);
      if (text) return check(text);
    }
    say("Aucun QR code lu sur cette photo : reprenez-la de plus près, bien éclairée.");
  };

  camera.hidden = !navigator.mediaDevices?.getUserMedia;
  camera.addEventListener("click", scan);
  stop.addEventListener("click", halt);
  addEventListener("pagehide", halt);
  document.getElementById("photo").addEventListener("change", ({ target }) => {
    if (target.files[0]) photo(target.files[0]);
    target.value = "";
  });
  document.getElementById("lien").addEventListener("submit", (event) => {
    event.preventDefault();
    check(event.target.elements.texte.value);
  });

  // The phone's own camera opened the QR code's address without a line.
  const fromAddress = () => {
    const part = /^\/verifier\/([^/]+)\/$/.exec(location.pathname)?.[1];
    const code = part && part !== "hors-ligne" ? normalise(decodeURIComponent(part)) || part : undefined;
    if (location.hash.length > 1) return check(location.hash.slice(1), code);
    if (code) say("Sans réseau, seul le QR code peut être vérifié, pas le numéro : scannez-le.");
  };
  addEventListener("hashchange", fromAddress);
  addEventListener("online", refresh);
  const renew = document.getElementById("renouveler");
  renew.hidden = false;
  renew.addEventListener("click", refresh);

  const install = document.getElementById("installer");
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    install.hidden = false;
    install.onclick = () => { install.hidden = true; event.prompt(); };
  });

  (async () => {
    await site.load();
    told("");
    await fromAddress();
    const workers = navigator.serviceWorker;
    if (workers) workers.register("/verifier/sw.js", { scope: "/verifier/" }).catch(() => {});
    await refresh();
    if (location.pathname !== "/verifier/hors-ligne/" && location.hash.length < 2) await fromAddress();
  })();
})();
