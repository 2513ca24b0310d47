import { fold, type Folding } from '../fold.ts';

/**
 * Finds all of many texts in one pass over a text (Aho and Corasick, 1975). Small automata are one dense table;
 * large ones keep their edges in a hash table and follow failure links, which costs time but hardly memory.
 */

/** Entries of the dense table: 1 MB. Ten thousand rules of our mix need a sixth of it. */
const DENSE_LIMIT = 1 << 18;

export class AhoCorasick {
  /** Class of each ASCII code, and of the others; 0: occurs in no needle. */
  readonly #ascii = new Uint16Array(128);
  readonly #folding: Folding;
  /** Class of what each ASCII code folds to. */
  readonly #folded: Uint16Array;
  readonly #others = new Map<number, number>();
  readonly #classes: number;
  readonly #edges: DenseEdges | HashedEdges;
  /** Outputs of a state with those of all its suffixes, or undefined. */
  readonly #outputs: (readonly number[] | undefined)[];

  /**
   * @param needles folded text → what to report when it occurs; no empty texts
   * @param denseLimit table entries up to which the dense form is used
   */
  constructor(needles: ReadonlyMap<string, readonly number[]>, folding: Folding, denseLimit = DENSE_LIMIT) {
    this.#folding = folding;
    let classes = 1;
    for (const needle of needles.keys()) {
      for (let i = 0; i < needle.length; i += 1) {
        const code = needle.charCodeAt(i);
        if (this.#classOf(code) !== 0) continue;
        if (code < 128) this.#ascii[code] = classes;
        else this.#others.set(code, classes);
        classes += 1;
      }
    }
    this.#classes = classes;
    this.#folded = Uint16Array.from(this.#ascii, (_, code) =>
      this.#classOf(fold(String.fromCharCode(code), folding).charCodeAt(0)),
    );
    const trie = new Trie();
    for (const [needle, outputs] of needles) {
      const codes = Array.from({ length: needle.length }, (_, i) => this.#classOf(needle.charCodeAt(i)));
      trie.add(codes, outputs);
    }
    const fail = trie.link();
    this.#outputs = trie.outputs;
    this.#edges =
      trie.size * classes <= denseLimit
        ? new DenseEdges(trie, fail, classes)
        : new HashedEdges(trie, fail, classes);
  }

  /**
   * Appends the outputs of every needle that occurs in a text to `found`; an output may come more than once. ASCII is
   * folded on the way, character by character, which is what folding ASCII means.
   */
  scan(text: string, found: number[]): void {
    const before = found.length;
    const edges = this.#edges;
    if (edges instanceof DenseEdges && this.#scanAscii(text, edges.table, found)) return;
    // What follows a letter may change how it folds.
    found.length = before;
    const folded = fold(text, this.#folding);
    if (edges instanceof DenseEdges) this.#scanDense(folded, edges.table, found);
    else this.#scanHashed(folded, edges, found);
  }

  /** The innermost loop of matching, so everything stands in locals and nothing is called. False: not all ASCII. */
  #scanAscii(text: string, table: Int32Array, found: number[]): boolean {
    const folded = this.#folded;
    const classes = this.#classes;
    let state = 0;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      if (code > 127) return false;
      const klass = folded[code] ?? 0;
      state = klass === 0 ? 0 : (table[state * classes + klass] ?? 0);
      if (state >= 0) continue;
      state = ~state;
      for (const output of this.#outputs[state] ?? []) found.push(output);
    }
    return true;
  }

  #scanDense(text: string, table: Int32Array, found: number[]): void {
    let state = 0;
    for (let i = 0; i < text.length; i += 1) {
      const klass = this.#classOf(text.charCodeAt(i));
      state = klass === 0 ? 0 : (table[state * this.#classes + klass] ?? 0);
      if (state >= 0) continue;
      state = ~state;
      for (const output of this.#outputs[state] ?? []) found.push(output);
    }
  }

  #scanHashed(text: string, edges: HashedEdges, found: number[]): void {
    let state = 0;
    for (let i = 0; i < text.length; i += 1) {
      const klass = this.#classOf(text.charCodeAt(i));
      state = klass === 0 ? 0 : edges.next(state, klass);
      for (const output of this.#outputs[state] ?? []) found.push(output);
    }
  }

  #classOf(code: number): number {
    return code < 128 ? (this.#ascii[code] ?? 0) : (this.#others.get(code) ?? 0);
  }

  /** Number of character classes, for tests and measurements. */
  get classes(): number {
    return this.#classes;
  }
}

class Trie {
  readonly children: Map<number, number>[] = [new Map()];
  readonly outputs: (readonly number[] | undefined)[] = [undefined];

  get size(): number {
    return this.children.length;
  }

  add(codes: readonly number[], outputs: readonly number[]): void {
    let state = 0;
    for (const code of codes) {
      const children = this.children[state];
      let next = children?.get(code);
      if (next === undefined) {
        next = this.children.length;
        children?.set(code, next);
        this.children.push(new Map());
        this.outputs.push(undefined);
      }
      state = next;
    }
    this.outputs[state] = [...(this.outputs[state] ?? []), ...outputs];
  }

  /** Failure links, breadth first; merges each state's outputs with those of its longest proper suffix. */
  link(): Int32Array {
    const fail = new Int32Array(this.size);
    const queue = [...(this.children[0]?.values() ?? [])];
    for (let state = queue.shift(); state !== undefined; state = queue.shift()) {
      const inherited = this.outputs[fail[state] ?? 0];
      if (inherited !== undefined)
        this.outputs[state] = [...new Set([...(this.outputs[state] ?? []), ...inherited])];
      for (const [code, child] of this.children[state] ?? []) {
        queue.push(child);
        fail[child] = this.#follow(fail, fail[state] ?? 0, code);
      }
    }
    return fail;
  }

  #follow(fail: Int32Array, from: number, code: number): number {
    let state = from;
    for (;;) {
      const next = this.children[state]?.get(code);
      if (next !== undefined) return next;
      if (state === 0) return 0;
      state = fail[state] ?? 0;
    }
  }
}

class DenseEdges {
  /** Target of (state, class); inverted (`~`) where the target has outputs. */
  readonly table: Int32Array;
  readonly #classes: number;

  constructor(trie: Trie, fail: Int32Array, classes: number) {
    this.#classes = classes;
    this.table = new Int32Array(trie.size * classes);
    this.#fill(trie, fail);
    for (let at = 0; at < this.table.length; at += 1) {
      const target = this.table[at] ?? 0;
      if (trie.outputs[target] !== undefined) this.table[at] = ~target;
    }
  }

  #fill(trie: Trie, fail: Int32Array): void {
    const classes = this.#classes;
    // A state's failure state lies less deep, so breadth-first order has its row filled already.
    const queue = [0];
    for (let position = 0; position < queue.length; position += 1) {
      const state = queue[position] ?? 0;
      const row = state * classes;
      if (state !== 0)
        this.table.copyWithin(row, (fail[state] ?? 0) * classes, (fail[state] ?? 0) * classes + classes);
      for (const [code, child] of trie.children[state] ?? []) {
        this.table[row + code] = child;
        queue.push(child);
      }
    }
  }
}

/** Open addressing over (state, class); at most half full. */
class HashedEdges {
  readonly #keys: Int32Array;
  readonly #targets: Int32Array;
  readonly #mask: number;
  readonly #fail: Int32Array;
  readonly #classes: number;

  constructor(trie: Trie, fail: Int32Array, classes: number) {
    let capacity = 16;
    while (capacity < trie.size * 2) capacity *= 2;
    this.#keys = new Int32Array(capacity).fill(-1);
    this.#targets = new Int32Array(capacity);
    this.#mask = capacity - 1;
    this.#fail = fail;
    this.#classes = classes;
    for (const [state, children] of trie.children.entries()) {
      for (const [code, child] of children) {
        const at = this.#slot(state * classes + code);
        this.#keys[at] = state * classes + code;
        this.#targets[at] = child;
      }
    }
  }

  next(from: number, klass: number): number {
    for (let state = from; ; state = this.#fail[state] ?? 0) {
      const key = state * this.#classes + klass;
      const at = this.#slot(key);
      if (this.#keys[at] === key) return this.#targets[at] ?? 0;
      if (state === 0) return 0;
    }
  }

  #slot(key: number): number {
    let at = (Math.imul(key, 0x9e3779b1) >>> 7) & this.#mask;
    while (this.#keys[at] !== -1 && this.#keys[at] !== key) at = (at + 1) & this.#mask;
    return at;
  }
}
