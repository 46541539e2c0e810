/**
 * One number for everything that happened in a run, in order: FNV-1a over the words of every event. Two runs with the
 * same hash took the same path; a changed hash is a changed simulation.
 *
 * Model. FNV-1a on 32-bit words instead of bytes: a trace is compared, never attacked. The time enters as the two words
 * of its double, so a difference in the last bit shows.
 * Rejected: a cryptographic hash (needs the host, ten times the cost), and a log on disk (gigabytes).
 */
export class TraceHash {
  #hash = 0x811c9dc5;
  readonly #time = new Float64Array(1);
  readonly #words = new Uint32Array(this.#time.buffer);

  add(atMs: number, kind: number, a: number, b: number): void {
    this.#time[0] = atMs;
    let hash = this.#hash;
    hash = Math.imul(hash ^ (this.#words[0] ?? 0), 0x01000193);
    hash = Math.imul(hash ^ (this.#words[1] ?? 0), 0x01000193);
    // A multiplication moves bits only upwards; the shift lets the high word of the time reach the low bits.
    hash ^= hash >>> 15;
    hash = Math.imul(hash ^ kind, 0x01000193);
    hash = Math.imul(hash ^ a, 0x01000193);
    this.#hash = Math.imul(hash ^ b, 0x01000193);
  }

  /** Eight hexadecimal digits. */
  read(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }
}
