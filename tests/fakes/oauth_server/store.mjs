// What oidc-provider has to remember (its Adapter interface: models by id, families of tokens by grant), and figures.
// With a file every change is appended before it is answered: a server that ends, or is killed, goes on where it was.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

const SET = 'set';
const FORGET = 'forget';
const FIGURES = 'figures';
const USED = 'used';

export class Store {
  constructor(file, figures) {
    this.file = undefined; // nothing is appended while it is read
    this.entries = new Map();
    this.figures = { ...figures };
    this.uses = [];
    for (const line of file && existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []) {
      if (line) this.change(...JSON.parse(line));
    }
    this.file = file;
  }

  change(what, key, value) {
    if (what === SET) this.entries.set(key, value);
    if (what === FORGET) this.entries.delete(key);
    if (what === FIGURES) Object.assign(this.figures, value);
    if (what === USED) this.uses.push(value);
    if (this.file) appendFileSync(this.file, `${JSON.stringify([what, key, value])}\n`);
  }

  count(figure, up = 1) {
    this.change(FIGURES, '', { [figure]: this.figures[figure] + up });
  }

  reset(figures) {
    this.change(FIGURES, '', figures);
    this.uses = [];
  }

  // When an opaque access token was used, and how old it was then, in milliseconds; of a token that is known.
  noteUse(accessToken) {
    const entry = this.entries.get(`AccessToken:${accessToken}`);
    if (entry) this.change(USED, '', [Date.now(), Date.now() - entry.since]);
    return Boolean(entry);
  }

  adapter() {
    const store = this;
    return class {
      constructor(model) {
        this.model = model;
      }

      key(id) {
        return `${this.model}:${id}`;
      }

      async upsert(id, payload, expiresIn) {
        const now = Date.now();
        const until = expiresIn === undefined ? null : now + expiresIn * 1000;
        store.change(SET, this.key(id), { payload, until, since: now });
      }

      async find(id) {
        const entry = store.entries.get(this.key(id));
        return entry && (entry.until === null || entry.until > Date.now()) ? { ...entry.payload } : undefined;
      }

      async findBy(name, value) {
        const own = this.key('');
        const found = [...store.entries].find(([key, entry]) => key.startsWith(own) && entry.payload[name] === value);
        return found && this.find(found[0].slice(own.length));
      }

      async findByUid(uid) {
        return this.findBy('uid', uid);
      }

      async findByUserCode(userCode) {
        return this.findBy('userCode', userCode);
      }

      async consume(id) {
        const entry = store.entries.get(this.key(id));
        // Two requests with one token at the very same time: both found it unused, so the provider does not see it.
        if (entry.payload.consumed && this.model === 'RefreshToken') store.count('reused');
        const payload = { ...entry.payload, consumed: Math.floor(Date.now() / 1000) };
        store.change(SET, this.key(id), { ...entry, payload });
      }

      async destroy(id) {
        store.change(FORGET, this.key(id));
      }

      async revokeByGrantId(grantId) {
        for (const [key, { payload }] of store.entries) {
          if (payload.grantId === grantId && key.startsWith(`${this.model}:`)) store.change(FORGET, key);
        }
      }
    };
  }
}
