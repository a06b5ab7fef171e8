// Simulated sittings in JavaScript, for the comparison with batch.py.
// node crosscheck.mjs PACKAGE.json OUT.bin SITTINGS SEED
import { readFileSync, openSync, writeSync, closeSync } from "node:fs";
import { Generator, Sitting, load } from "./replay.mjs";

const [path, out, sittings, seed] = process.argv.slice(2);
const p = load(JSON.parse(readFileSync(path, "utf8")));
const K = p.categories;
const Q = p.points;

const read = (away) => (away < p.exp.length ? p.exp[away] : 0);
const steps = new Float64Array(p.items.length * K * Q);
for (let i = 0; i < p.items.length; i++)
  for (let q = 0; q < Q; q++) {
    let total = 0;
    for (let c = 0; c < K; c++) total += read(Math.floor(-p.log_p[(i * K + c) * Q + q] / 256));
    let sum = 0;
    for (let c = 0; c < K; c++) {
      sum += read(Math.floor(-p.log_p[(i * K + c) * Q + q] / 256));
      steps[(i * K + c) * Q + q] = Math.floor((sum * 65536) / total);
    }
  }
let peak = -Infinity;
for (let q = 0; q < Q; q++) peak = Math.max(peak, p.prior[q]);
const prior = Array.from(p.prior, (s) => read(Math.floor((peak - s) / 256)));
const whole = prior.reduce((a, b) => a + b, 0);
let sum = 0;
const people = prior.map((w) => Math.floor(((sum += w) * 65536) / whole));

const file = openSync(out, "w");
const size = 3 + 2 * p.longest;
const block = 4096;
let record = new Int32Array(size * block);
let filled = 0;
for (let s = 0; s < Number(sittings); s++) {
  const sitting = new Sitting(p, Math.max((Number(seed) + s) >>> 0, 1));
  const person = new Generator(Math.max((sitting.random.state ^ 0x9e3779b9) >>> 0, 1));
  const draw = person.next() >>> 16;
  let truth = 0;
  while (people[truth] <= draw) truth++;
  for (let item = sitting.nextItem(); item >= 0; item = sitting.nextItem()) {
    const d = person.next() >>> 16;
    let c = 0;
    for (let k = 0; k < K; k++) if (d >= steps[(item * K + k) * Q + truth]) c++;
    sitting.answer(item, Math.min(c, p.top[item]));
  }
  const at = filled * size;
  record.fill(-1, at, at + size);
  record[at] = truth;
  record[at + 1] = sitting.estimate;
  record[at + 2] = sitting.sd;
  sitting.given.forEach(([item, category], k) => {
    record[at + 3 + k] = item;
    record[at + 3 + p.longest + k] = category;
  });
  if (++filled === block) {
    writeSync(file, new Uint8Array(record.buffer));
    filled = 0;
  }
}
writeSync(file, new Uint8Array(record.buffer, 0, filled * size * 4));
closeSync(file);
