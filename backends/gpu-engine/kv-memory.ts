/**
 * The KV memory of an engine: who holds how much of it, and which prompt blocks it still knows.
 *
 * Model (docs/reference/sources.md, Engines, as vLLM's automatic prefix caching): one memory for what runs and for what is
 * remembered. A request holds blocks that it shares with others, which count once, and tokens of its own. A whole block
 * of its prompt that it has read becomes shared; when nobody holds it any more it is idle, which is remembered
 * until the room is needed, least recently used out first. A prompt matches as far as its leading blocks are
 * all known, because a block's id covers the text before it. A block that two read at the same time is kept by
 * one and its own of the other.
 * Rejected: a cache beside the memory, which remembers more than the card can hold; and blocks of 16 tokens as vLLM's,
 * because recorded prompts are known in blocks of 512.
 */

/** Tokens of one prompt block, as in the Mooncake trace. */
export const BLOCK_TOKENS = 512;

/** Ids of a prompt's whole blocks, in order. */
export type BlockIds = ArrayLike<number>;

export type KvMemory = {
  /** Infinity: no limit. */
  readonly tokensMax: number;
  /** Tokens that somebody holds; a shared block counts once. */
  usedTokens: number;
  /** Blocks that are held, and by how many. */
  readonly held: Map<number, number>;
  /** Blocks that are remembered and held by nobody, least recently used first. */
  readonly idle: Map<number, true>;
};

/** What one request holds. */
export type KvHold = {
  /** Tokens that it shares with nobody. */
  ownTokens: number;
  /** Blocks that others may hold as well. */
  readonly shared: number[];
};

export function createKvMemory(tokensMax: number): KvMemory {
  return { tokensMax, usedTokens: 0, held: new Map(), idle: new Map() };
}

export function copyKvMemory(kv: KvMemory): KvMemory {
  return { ...kv, held: new Map(kv.held), idle: new Map(kv.idle) };
}

/** Leading blocks that are known. */
export function matchedBlocks({ held, idle }: KvMemory, blocks: BlockIds): number {
  let at = 0;
  for (; at < blocks.length; at += 1) {
    const id = blocks[at] ?? -1;
    if (!held.has(id) && !idle.has(id)) break;
  }
  return at;
}

/** Is there room for `tokens` of which the first `matched` blocks are known. What is idle makes room. */
export function hasRoom(kv: KvMemory, tokens: number, blocks: BlockIds, matched: number): boolean {
  let needed = tokens - matched * BLOCK_TOKENS;
  for (let at = 0; at < matched; at += 1) if (kv.idle.has(blocks[at] ?? -1)) needed += BLOCK_TOKENS;
  return kv.usedTokens + needed <= kv.tokensMax;
}

/** Takes the first `matched` blocks, and tokens of its own up to `tokens`; the caller has asked for room. */
export function takePrompt(kv: KvMemory, tokens: number, blocks: BlockIds, matched: number): KvHold {
  const shared: number[] = [];
  for (let at = 0; at < matched; at += 1) {
    const id = blocks[at] ?? -1;
    const holders = kv.held.get(id) ?? 0;
    if (holders === 0) {
      kv.idle.delete(id);
      kv.usedTokens += BLOCK_TOKENS;
    }
    kv.held.set(id, holders + 1);
    shared.push(id);
  }
  const hold: KvHold = { ownTokens: 0, shared };
  takeTokens(kv, hold, tokens - matched * BLOCK_TOKENS);
  return hold;
}

/** Takes `tokens` more, or gives them back where they are negative. */
export function takeTokens(kv: KvMemory, hold: KvHold, tokens: number): void {
  hold.ownTokens += tokens;
  kv.usedTokens += tokens;
  for (const id of kv.idle.keys()) {
    if (kv.usedTokens + kv.idle.size * BLOCK_TOKENS <= kv.tokensMax) return;
    kv.idle.delete(id);
  }
}

/** A whole block has been read: others find it from now on. */
export function rememberBlock(kv: KvMemory, hold: KvHold, id: number): void {
  if (kv.held.has(id) || kv.idle.has(id)) return;
  kv.held.set(id, 1);
  hold.ownTokens -= BLOCK_TOKENS;
  hold.shared.push(id);
}

/**
 * Gives everything back. Last block first: the tail of a prompt is forgotten before its head,
 * without which it is useless.
 */
export function release(kv: KvMemory, hold: KvHold): void {
  kv.usedTokens -= hold.ownTokens;
  hold.ownTokens = 0;
  for (let id = hold.shared.pop(); id !== undefined; id = hold.shared.pop()) {
    const holders = (kv.held.get(id) ?? 1) - 1;
    if (holders > 0) {
      kv.held.set(id, holders);
      continue;
    }
    kv.held.delete(id);
    kv.usedTokens -= BLOCK_TOKENS;
    kv.idle.set(id, true);
  }
}
