/** A first-in, first-out queue of integers in a ring that doubles when it is full: no allocation per element. */
export class IntQueue {
  #ring = new Int32Array(64);
  #head = 0;
  length = 0;

  push(value: number): void {
    if (this.length === this.#ring.length) this.#grow();
    this.#ring[(this.#head + this.length) & (this.#ring.length - 1)] = value;
    this.length += 1;
  }

  /** The oldest without removing it; -1 when empty. */
  peek(): number {
    return this.length === 0 ? -1 : (this.#ring[this.#head] ?? -1);
  }

  /** Removes the oldest; -1 when empty. */
  shift(): number {
    if (this.length === 0) return -1;
    const value = this.#ring[this.#head] ?? -1;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.length -= 1;
    return value;
  }

  clear(): void {
    this.length = 0;
  }

  #grow(): void {
    const grown = new Int32Array(this.#ring.length * 2);
    grown.set(this.#ring.subarray(this.#head));
    grown.set(this.#ring.subarray(0, this.#head), this.#ring.length - this.#head);
    this.#ring = grown;
    this.#head = 0;
  }
}
