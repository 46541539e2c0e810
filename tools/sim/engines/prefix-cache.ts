/**
 * Which prompt blocks an endpoint remembers: least recently used out first.
 *
 * Model. A prompt matches as far as its leading blocks are all remembered, as in vLLM's automatic prefix caching, where a
 * block's id covers the text before it. A Map keeps insertion order, so it is the LRU list.
 */
import type { Requests } from "../workload.ts";

export class PrefixCache {
  readonly #blocksMax: number;
  readonly #blocks = new Map<number, true>();

  /** `blocksMax` >= 0. */
  constructor(blocksMax: number) {
    this.#blocksMax = blocksMax;
  }

  /** Leading blocks of the request that are remembered. */
  matchedBlocks({ blockStart, blocks }: Requests, request: number): number {
    const from = blockStart[request] ?? 0;
    const to = blockStart[request + 1] ?? 0;
    let at = from;
    while (at < to && this.#blocks.has(blocks[at] ?? -1)) at += 1;
    return at - from;
  }

  /** The request's prompt was read. */
  remember({ blockStart, blocks }: Requests, request: number): void {
    if (this.#blocksMax === 0) return;
    const from = blockStart[request] ?? 0;
    // Last block first: under pressure the tail of a prompt is forgotten before its head, without which it is useless.
    for (let at = (blockStart[request + 1] ?? 0) - 1; at >= from; at -= 1) {
      const block = blocks[at] ?? -1;
      this.#blocks.delete(block);
      this.#blocks.set(block, true);
    }
    for (const block of this.#blocks.keys()) {
      if (this.#blocks.size <= this.#blocksMax) return;
      this.#blocks.delete(block);
    }
  }

  clear(): void {
    this.#blocks.clear();
  }
}
