// What oidc-provider has to remember (its Adapter interface: models by id, families of tokens by grant), and the figures.
// With a file every change is appended before it is answered, so a server that ends, or is killed, goes on where it was.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

const SET = 'set';
const FORGET = 'forget';
const FIGURES = 'figures';

export class Store {
  constructor(file, figures) {
    this.file = undefined; // nothing is appended while it is read
    this.entries = new Map();
    this.figures = { ...figures };
    for (const line of file && existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []) {
      if (line) this.change(...JSON.parse(line));
    }
    this.file = file;
  }

  change(what, key, value) {
    if (what === SET) this.entries.set(key, value);
    if (what === FORGET) this.entries.delete(key);
    if (what === FIGURES) Object.assign(this.figures, value);
    if (this.file) appendFileSync(this.file, `${JSON.stringify([what, key, value])}\n`);
  }

  count(figure, up = 1) {
    this.change(FIGURES, '', { [figure]: this.figures[figure] + up });
  }

  // The figure is the greatest value that was ever told.
  greatest(figure, value) {
    if (value > this.figures[figure]) this.change(FIGURES, '', { [figure]: value });
  }

  resetFigures(figures) {
    this.change(FIGURES, '', figures);
  }

  // How long ago an opaque access token was issued, in milliseconds; undefined where it is not known.
  ageOf(accessToken) {
    const entry = this.entries.get(`AccessToken:${accessToken}`);
    return entry && Date.now() - entry.since;
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
        for (const [key, { payload }] of store.entries) {
          if (payload[name] === value && key.startsWith(`${this.model}:`)) return this.find(key.slice(this.model.length + 1));
        }
        return undefined;
      }

      async findByUid(uid) {
        return this.findBy('uid', uid);
      }

      async findByUserCode(userCode) {
        return this.findBy('userCode', userCode);
      }

      async consume(id) {
        const entry = store.entries.get(this.key(id));
        // Two requests with one token at the very same time: both found it unused, so the provider itself does not see it.
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
