/**
 * Decides which text of a body stands for its prompt, and hashes its beginnings (`routing/core/shard/prompt-chain.ts`).
 *
 * Model. The values of the members that hold a prompt, in the order in which an engine reads them, as written, before
 * any rail. Member names are not hashed, nor what says nothing to the model: `type`, and Anthropic's `cache_control`,
 * which moves from turn to turn. One pass, two lanes of 32 bits a character, which cost some 5 ns each; only the few
 * beginnings are hashed under the secret. The lanes are not secret: whoever finds two prompts that collide finds them
 * within his own tenant, and misleads his own requests. Rejected: SipHash over the whole text, at four times the cost.
 */
import { keyedHash } from "../lib/keyed-hash.ts";
import type { HashKey } from "../lib/keyed-hash.ts";
import { ENDS_MAX, MARK_CHARS_MAX, MARK_CHARS_MIN } from "../routing/core/shard/prompt-chain.ts";
import type { PromptChain, PromptMark } from "../routing/core/shard/prompt-chain.ts";

/** Members that hold a prompt, in the order in which an engine reads them. */
const PROMPT_MEMBERS = ["system", "instructions", "messages", "prompt", "input"] as const;

const NOT_READ = new Set(["type", "cache_control"]);

/** Values looked at: a conversation of some thousand messages. */
export const VALUES_MAX = 20_000;
/** A part of a message is four levels deep, a tool's arguments some more. */
const DEPTH_MAX = 16;

type Place = { readonly chars: number; readonly one: number; readonly other: number };

type Walk = {
  one: number;
  other: number;
  /** Hashed so far, and all that there are. */
  chars: number;
  total: number;
  values: number;
  markAt: number;
  readonly marks: Place[];
  readonly ends: Place[];
};

export type ChainOf = {
  readonly tenant: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Estimated tokens of the whole body. */
  readonly inputTokens: number;
};

/** Null: the body has too little text to be known by. */
export function promptChain(secret: HashKey, { tenant, body, inputTokens }: ChainOf): PromptChain | null {
  const walk: Walk = {
    one: 0x811c9dc5 | 0,
    other: 0x9e3779b9 | 0,
    chars: 0,
    total: 0,
    values: VALUES_MAX,
    markAt: MARK_CHARS_MIN,
    marks: [],
    ends: [],
  };
  for (const name of PROMPT_MEMBERS) {
    const value = body[name];
    if (Array.isArray(value)) {
      for (const item of value) {
        take(walk, item, 0);
        noteEnd(walk);
      }
    } else {
      take(walk, value, 0);
      noteEnd(walk);
    }
  }
  if (walk.marks.length === 0) return null;
  const told = ({ chars, one, other }: Place): PromptMark => ({
    key: keyedHash(secret, `p ${tenant} ${chars} ${one} ${other}`),
    tokens: Math.round((inputTokens * chars) / walk.total),
  });
  return { marks: walk.marks.map(told), ends: walk.ends.map(told) };
}

/** What lies beyond the bounds is not hashed, and has no end either. */
function noteEnd(walk: Walk): void {
  const { one, other, chars } = walk;
  const isKnown = chars >= MARK_CHARS_MIN && chars === walk.total && walk.values > 0;
  if (!isKnown || walk.ends.at(-1)?.chars === chars) return;
  walk.ends.push({ chars, one, other });
  if (walk.ends.length > ENDS_MAX) walk.ends.shift();
}

function take(walk: Walk, value: unknown, depth: number): void {
  if (walk.values <= 0 || depth > DEPTH_MAX) return;
  walk.values -= 1;
  if (typeof value === "string") hash(walk, value);
  else if (Array.isArray(value)) for (const item of value) take(walk, item, depth + 1);
  else if (typeof value === "object" && value !== null) {
    for (const [name, inner] of Object.entries(value)) if (!NOT_READ.has(name)) take(walk, inner, depth + 1);
  }
}

/** The lanes after `text`, with a mark at each place that it passes. */
function hash(walk: Walk, text: string): void {
  walk.total += text.length;
  const end = Math.min(text.length, MARK_CHARS_MAX - walk.chars);
  let { one, other } = walk;
  for (let at = 0; at < end;) {
    const stop = Math.min(end, at + walk.markAt - walk.chars);
    walk.chars += stop - at;
    for (; at < stop; at++) {
      const code = text.charCodeAt(at);
      one = Math.imul(one ^ code, 0x01000193);
      other = Math.imul((other << 5) ^ (other >>> 27) ^ code, 0x85ebca6b);
    }
    if (walk.chars < walk.markAt) break;
    walk.marks.push({ chars: walk.chars, one, other });
    walk.markAt = nextMark(walk.markAt);
  }
  walk.one = one;
  walk.other = other;
}

/** 1, 1.5, 2, 3, 4, 6, … times the first. */
const nextMark = (at: number): number => (Number.isInteger(Math.log2(at)) ? at * 1.5 : (at / 1.5) * 2);
