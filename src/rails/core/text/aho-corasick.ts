/**
 * Finds many literal strings in one pass over a text.
 *
 * Model. Aho and Corasick (1975): a trie of the patterns whose nodes also know the longest proper suffix of their
 * string that is in the trie. A failed step goes there, and each such step gives back a step forward that was made, so
 * reading n units takes at most 2n steps whatever the text. The trie is kept as sorted edges in typed arrays, 18 bytes
 * a node; only the root, where a scan of ordinary text spends its time, has a table. The reader feeds units itself, so
 * that it can leave out or replace some (runs of spaces) without making a new text.
 * Source: "Efficient string matching", CACM 18(6).
 * Rejected: one `indexOf` per pattern, whose time grows with the list; and full transition tables, which take
 * kilobytes per node for UTF-16.
 */
import { invariant } from "../../../lib/invariant.ts";

/** Units over all patterns: 18 MB at most, a seventh of an isolate. A word list of a hundred thousand entries fits. */
export const PATTERN_UNITS_MAX = 1_000_000;

const ROOT = 0;
const ROOT_UNITS = 128;

type Row = { readonly pattern: string; readonly id: number };

export class AhoCorasick {
  /** The node before anything is read. */
  readonly root = ROOT;
  /** Steps made, for the tests: time on a Worker cannot be read. */
  steps = 0;

  readonly #edgesFrom: Uint32Array;
  readonly #edgeUnit: Uint16Array;
  readonly #fail: Uint32Array;
  /** 1 + index of the pattern that ends at the node, else 0. */
  readonly #output: Uint32Array;
  /** The nearest node on the way of failures with an output, else the root. */
  readonly #nextOutput: Uint32Array;
  readonly #rootTo = new Uint32Array(ROOT_UNITS);
  /** A bit for each unit with which a pattern begins: what most of a text is asked for. */
  readonly #begins = new Uint8Array(0x1_00_00 / 8);

  /** Empty patterns match nothing; of equal ones, all but the first match nothing. */
  constructor(patterns: readonly string[]) {
    const units = patterns.reduce((total, pattern) => total + pattern.length, 0);
    invariant(units <= PATTERN_UNITS_MAX, "too many patterns for one automaton");
    const nodesMax = units + 1;
    this.#edgesFrom = new Uint32Array(nodesMax + 1);
    this.#edgeUnit = new Uint16Array(nodesMax);
    this.#fail = new Uint32Array(nodesMax);
    this.#output = new Uint32Array(nodesMax);
    this.#nextOutput = new Uint32Array(nodesMax);
    this.#build(patterns);
    for (let unit = 0; unit < ROOT_UNITS; unit += 1) this.#rootTo[unit] = this.#edge(ROOT, unit);
    for (let edge = 0; edge < (this.#edgesFrom[ROOT + 1] ?? 0); edge += 1) {
      const unit = this.#edgeUnit[edge] ?? 0;
      this.#begins[unit >> 3] = (this.#begins[unit >> 3] ?? 0) | (1 << (unit & 7));
    }
  }

  /** The node after reading `unit` at `node`. */
  step(node: number, unit: number): number {
    let from = node;
    for (;;) {
      this.steps += 1;
      if (from === ROOT && unit < ROOT_UNITS) return this.#rootTo[unit] ?? ROOT;
      const to = this.#edge(from, unit);
      if (to !== ROOT || from === ROOT) return to;
      from = this.#fail[from] ?? ROOT;
    }
  }

  /** False if no pattern begins with the unit, so that `step` would stay at the root. */
  mayBegin(unit: number): boolean {
    return ((this.#begins[unit >> 3] ?? 0) & (1 << (unit & 7))) !== 0;
  }

  /** True if nothing but the last unit is of a pattern: nodes are numbered by level. */
  isFirst(node: number): boolean {
    return node <= (this.#edgesFrom[ROOT + 1] ?? 0);
  }

  /** True if some pattern ends at this node. */
  hasOutput(node: number): boolean {
    return this.#output[node] !== 0 || this.#nextOutput[node] !== ROOT;
  }

  /** Indices of all patterns that end at this node, longest first. */
  outputs(node: number): number[] {
    const ids: number[] = [];
    for (let at = node; at !== ROOT; at = this.#nextOutput[at] ?? ROOT) {
      const output = this.#output[at] ?? 0;
      if (output !== 0) ids.push(output - 1);
    }
    return ids;
  }

  /**
   * Level by level over the sorted patterns: the rows of a node are then side by side, and so are its edges. Every node
   * but the root has one edge to it, and nodes are numbered like edges, so edge n leads to node n + 1.
   */
  #build(patterns: readonly string[]): void {
    const rows = patterns.map((pattern, id) => ({ pattern, id })).filter(({ pattern }) => pattern !== "");
    rows.sort((one, other) => compareUnits(one.pattern, other.pattern) || one.id - other.id);
    let level: { node: number; from: number; to: number }[] = [{ node: ROOT, from: 0, to: rows.length }];
    let edges = 0;
    for (let depth = 0; level.length > 0; depth += 1) {
      const next: typeof level = [];
      for (const { node, from, to } of level) {
        this.#edgesFrom[node] = edges;
        for (let row = this.#takeOutput(node, rows, from, to, depth); row < to;) {
          const unit = unitAt(rows, row, depth);
          const first = row;
          while (row < to && unitAt(rows, row, depth) === unit) row += 1;
          this.#edgeUnit[edges] = unit;
          edges += 1;
          next.push({ node: edges, from: first, to: row });
        }
        this.#edgesFrom[node + 1] = edges;
      }
      level = next;
    }
    for (let node = 0; node <= edges; node += 1) this.#linkChildren(node);
  }

  /** Patterns that end at the node come first among its rows. Returns the first row that goes on. */
  #takeOutput(node: number, rows: readonly Row[], from: number, to: number, depth: number): number {
    let row = from;
    while (row < to && rows[row]?.pattern.length === depth) row += 1;
    if (row > from) this.#output[node] = (rows[from]?.id ?? 0) + 1;
    return row;
  }

  /** Nodes are numbered by level, so the failure of the parent is known. */
  #linkChildren(node: number): void {
    const end = this.#edgesFrom[node + 1] ?? 0;
    for (let edge = this.#edgesFrom[node] ?? 0; edge < end; edge += 1) {
      const child = edge + 1;
      const fail = node === ROOT ? ROOT : this.#follow(this.#fail[node] ?? ROOT, this.#edgeUnit[edge] ?? 0);
      this.#fail[child] = fail;
      this.#nextOutput[child] = this.#output[fail] !== 0 ? fail : (this.#nextOutput[fail] ?? ROOT);
    }
  }

  #follow(node: number, unit: number): number {
    for (let from = node; ; from = this.#fail[from] ?? ROOT) {
      const to = this.#edge(from, unit);
      if (to !== ROOT || from === ROOT) return to;
    }
  }

  /** No edge leads to the root, so the root stands for "none". */
  #edge(node: number, unit: number): number {
    let low = this.#edgesFrom[node] ?? 0;
    let high = this.#edgesFrom[node + 1] ?? 0;
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = this.#edgeUnit[middle] ?? 0;
      if (at === unit) return middle + 1;
      if (at < unit) low = middle + 1;
      else high = middle;
    }
    return ROOT;
  }
}

function unitAt(rows: readonly Row[], row: number, at: number): number {
  return rows[row]?.pattern.charCodeAt(at) ?? 0;
}

function compareUnits(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
