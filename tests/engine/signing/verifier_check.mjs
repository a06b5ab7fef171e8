/* Runs the page's own reader over cases given on stdin; answers what it says of each. */
import { readFileSync } from "node:fs";
import vm from "node:vm";

const { script, keys, lists, links, cases } = JSON.parse(readFileSync(0));
globalThis.self = globalThis;
vm.runInThisContext(readFileSync(script, "utf8"), { filename: script });
const ring = await verifier.keyring(keys);
const fields = ({ raw, ...claims }) => claims;

const answers = [];
for (const { text, now, code } of cases) {
  try {
    const claims = fields(await verifier.open(text, ring, new Date(now), code));
    answers.push({ says: "ok", claims });
  } catch (error) {
    if (!(error instanceof verifier.Refusal)) throw error;
    answers.push({ says: error.says, claims: error.claims ? fields(error.claims) : null });
  }
}
const revoked = [];
for (const list of lists) {
  try {
    const { at, has } = await verifier.openList(list.jws, ring);
    const found = [];
    for (const code of list.codes) found.push(await has({ raw: Uint8Array.from(Buffer.from(code, "hex")) }));
    revoked.push({ at, found });
  } catch (error) {
    if (!(error instanceof verifier.Refusal)) throw error;
    revoked.push(error.says);
  }
}
console.log(JSON.stringify({ answers, revoked, split: links.map(verifier.split), messages: verifier.MESSAGES }));
