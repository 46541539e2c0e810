/**
 * How a prompt is known to a shard: by keyed hashes of it up to some of its places, each of which stands for everything
 * before it.
 *
 * Model. An engine keeps what it has read by blocks, and what two prompts have in common is the longest beginning that
 * both have. So a prompt is a chain of beginnings: at fixed marks, the next always half as far or a third farther
 * (whoever shares a part of it is found to within a third, whatever comes after), and at the ends of its last messages
 * (the next turn of a conversation has this turn's whole prompt as one of its own ends, and is found exactly). The
 * number is bounded however long the prompt is. Source: docs/reference/sources.md, Cost model. Rejected: a hash of every block,
 * as the engine's own cache has it: 8,192 of them for a prompt of 128k tokens; and the first 256 tokens alone, which
 * all conversations of one agent have in common.
 */

/** A beginning of a prompt. The key is a keyed hash: it tells nothing of the prompt or its tenant. */
export type PromptMark = { readonly key: string; readonly tokens: number };

/** Each ascending. */
export type PromptChain = {
  readonly marks: readonly PromptMark[];
  /** The last messages' ends; the last one is the whole prompt's. */
  readonly ends: readonly PromptMark[];
};

/** What two prompts must have in common, characters: some 256 tokens. */
export const MARK_CHARS_MIN = 1_024;
/** 128k tokens: longer prompts are told apart up to here. Two marks an octave, that is 19. */
export const MARK_CHARS_MAX = 524_288;
/** Ends of one prompt: as many messages as a turn of an agent adds. */
export const ENDS_MAX = 8;

/** The chain's beginnings that stand for what an engine has after the prompt: what is remembered of it. */
export const keptOf = ({ marks, ends }: PromptChain): readonly PromptMark[] => [...marks, ...ends.slice(-1)];

/** All of them, the longest first: what is looked for. */
export function soughtOf({ marks, ends }: PromptChain): readonly PromptMark[] {
  const sought: PromptMark[] = [];
  let left = ends.length;
  for (const mark of marks.toReversed()) {
    for (const end of ends.slice(0, left).toReversed()) {
      if (end.tokens < mark.tokens) break;
      sought.push(end);
      left -= 1;
    }
    sought.push(mark);
  }
  return sought;
}
