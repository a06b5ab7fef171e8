// One sitting by the integer protocol: the twin of sitting.py, bit for bit.
// Additions, comparisons, table reads, IEEE division and one square root; never exp or log.

const EXP_STEP = 256;

function numbers(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return new Int32Array(bytes.buffer);
}

export function load(body) {
  if (body.format !== "kalan-protocol-1") throw new Error("format");
  const p = Object.assign({}, body);
  for (const name of ["top", "log_p", "prior", "exp", "order", "area", "least", "most", "eligible"])
    p[name] = numbers(body[name]);
  return p;
}

export function seedOf(text) {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text))
    value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value || 1;
}

export class Generator {
  constructor(seed) {
    this.state = seed >>> 0 || 1;
  }
  next() {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (this.state = x >>> 0);
  }
}

export class Sitting {
  constructor(p, seed) {
    const random = new Generator(seed);
    this.p = p;
    const n = p.items.length;
    this.eligible = new Uint8Array(n);
    for (let i = 0; i < n; i++) this.eligible[i] = random.next() >>> 16 < p.eligible[i] ? 1 : 0;
    this.skip = p.first > 1 ? random.next() % p.first : 0;
    this.random = random;
    this.sums = Float64Array.from(p.prior);
    this.weight = new Float64Array(p.points);
    this.used = new Uint8Array(n);
    this.count = new Int32Array(p.least.length);
    this.given = [];
    this.score();
  }

  score() {
    const { p, sums, weight } = this;
    let peak = -Infinity;
    for (let k = 0; k < sums.length; k++) if (sums[k] > peak) peak = sums[k];
    let total = 0;
    let first = 0;
    for (let k = 0; k < sums.length; k++) {
      const away = Math.floor((peak - sums[k]) / EXP_STEP);
      const w = away < p.exp.length ? p.exp[away] : 0;
      weight[k] = w;
      total += w;
      first += k * w;
    }
    this.estimate = Math.floor((1000 * first) / total);
    const centre = Math.floor((this.estimate + 500) / 1000);
    let second = 0;
    for (let k = 0; k < sums.length; k++) second += (k - centre) * (k - centre) * weight[k];
    const shift = this.estimate / 1000 - centre;
    this.sd = Math.floor(1000 * Math.sqrt(Math.max(second / total - shift * shift, 0)));
    this.row = centre;
  }

  get finished() {
    const { p, count } = this;
    const asked = this.given.length;
    if (asked >= p.longest) return true;
    if (asked < p.shortest) return false;
    for (let a = 0; a < count.length; a++) if (count[a] < p.least[a]) return false;
    return this.sd > 0 && this.sd <= p.sd_target;
  }

  openAreas() {
    const { p, count } = this;
    const left = p.longest - this.given.length - 1;
    let total = 0;
    const needs = Array.from(count, (c, a) => Math.max(p.least[a] - c, 0));
    for (const need of needs) total += need;
    return needs.map((need, a) => count[a] < p.most[a] && left >= total - (need > 0 ? 1 : 0));
  }

  nextItem() {
    if (this.finished) return -1;
    const { p, used, eligible } = this;
    const areas = this.openAreas();
    let passed = this.given.length ? 0 : this.skip;
    let last = -1;
    const start = this.row * p.row;
    for (let k = start; k < start + p.row; k++) {
      const item = p.order[k];
      if (used[item] || !eligible[item] || !areas[p.area[item]]) continue;
      last = item;
      if (passed === 0) return item;
      passed--;
    }
    if (last >= 0) return last;
    let any = -1;
    for (let i = 0; i < used.length; i++) {
      if (used[i] || !areas[p.area[i]]) continue;
      if (eligible[i]) return i;
      if (any < 0) any = i;
    }
    return any;
  }

  answer(item, category) {
    const { p } = this;
    if (this.used[item] || !(category >= 0 && category <= p.top[item])) throw new Error("answer");
    this.used[item] = 1;
    this.count[p.area[item]]++;
    this.given.push([item, category]);
    const start = (item * p.categories + category) * p.points;
    for (let k = 0; k < p.points; k++) this.sums[k] += p.log_p[start + k];
    this.score();
  }
}
