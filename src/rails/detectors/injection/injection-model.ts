/**
 * Decides how much a text looks like an injection: the highest log odds of its windows.
 *
 * Model. A window is WINDOW_CHUNKS chunks of words and moves by one chunk, so one harmful sentence in a long
 * document is seen with its neighbours and not averaged away. Its log odds are the bias and the weights of its
 * features, which `npm run train:injection` has learned (docs/explanation/injection-model.md). What a tool has brought has weights
 * of its own. Weights are bytes in a string, unpacked on first use. A longer text has more windows that could be wrong by chance, so it needs more:
 * LONG_TEXT_ODDS for each doubling.
 * Rejected: the mean over the text, which padding defeats; and a larger model, which no isolate runs in time.
 */
import { unpackWeights } from "./injection-pack.ts";
import { PAIRS_AT, scanText, SIGNS_AT, TRIPLES_AT } from "./injection-scan.ts";
import type { ScanNotes } from "./injection-scan.ts";
import { INJECTION_WEIGHTS, TOOL_WEIGHTS } from "./injection-weights.ts";
import { CLASSES_MAX, FIRST_MARK } from "./injection-words.ts";

/** 64 words: a paragraph. With twice as many the false alarms in documents double. */
export const WINDOW_CHUNKS = 4;

/**
 * A chunk speaks against an attack with at most this much, in log odds, negative: else whoever writes enough harmless
 * words around an order could outvote it. It may speak for one without a bound.
 */
export const CHUNK_ODDS_MIN = -0.5;

/** Texts up to here, in UTF-16 units, need nothing on top: one or two windows. */
export const SHORT_TEXT_CHARS = 2048;

/** Log odds that a text needs more for each doubling beyond SHORT_TEXT_CHARS. */
const LONG_TEXT_ODDS = 0.75;

/** What a part of the evidence must add to be named among the reasons, in log odds. */
const REASON_ODDS = 1;

type SuspectWindow = { start: number; end: number };

/** `notes` are written while the text is read. */
export type Look = { readonly origin: Origin; readonly notes: ScanNotes };

export type Suspicion = {
  /** Highest log odds of a window. The threshold of training is at 0. */
  readonly odds: number;
  /** Windows at or above the limit, merged where they overlap, in order. */
  readonly windows: readonly SuspectWindow[];
};

/** Where a text came from: what is an order to the assistant in a tool's result may be a user's plain wish. */
export type Origin = "user" | "tool";

type Table = { readonly weights: Int8Array; readonly scale: number; readonly bias: number };

const tables: { user?: Table; tool?: Table } = {};

/** Those of tools are kept as what they differ in. */
function tableOf(origin: Origin): Table {
  const { scale, bias, base64 } = INJECTION_WEIGHTS;
  const user = (tables.user ??= { scale, bias, weights: unpackWeights(base64) });
  if (origin === "user") return user;
  return (tables.tool ??= { scale, bias: TOOL_WEIGHTS.bias, weights: sumOf(user.weights, TOOL_WEIGHTS.base64) });
}

function sumOf(weights: Int8Array, base64: string): Int8Array {
  return unpackWeights(base64).map((more, feature) => Math.max(-127, Math.min(127, (weights[feature] ?? 0) + more)));
}

/** `limit`: log odds from which a window counts. */
export function suspicionOf(text: string, limit: number, { origin, notes }: Look): Suspicion {
  const { weights, scale, bias } = tableOf(origin);
  const least = Math.round(CHUNK_ODDS_MIN / scale);
  const sums = new Int32Array(WINDOW_CHUNKS);
  const starts = new Int32Array(WINDOW_CHUNKS);
  const windows: SuspectWindow[] = [];
  let chunks = 0;
  let total = 0;
  let highest = -Infinity;
  scanText(
    text,
    (buffer, count, start, end) => {
      let sum = 0;
      for (let at = 0; at < count; at += 1) sum += weights[buffer[at] ?? 0] ?? 0;
      if (sum < least) sum = least;
      const slot = chunks % WINDOW_CHUNKS;
      total += sum - (sums[slot] ?? 0);
      sums[slot] = sum;
      starts[slot] = start;
      chunks += 1;
      const odds = bias + scale * total;
      if (odds > highest) highest = odds;
      if (odds < limit) return;
      const from = (chunks < WINDOW_CHUNKS ? starts[0] : starts[chunks % WINDOW_CHUNKS]) ?? 0;
      const last = windows.at(-1);
      if (last !== undefined && from <= last.end) last.end = end;
      else windows.push({ start: from, end });
    },
    notes,
  );
  return { odds: chunks === 0 ? bias : highest, windows };
}

/** What a text of this length needs besides the threshold, in log odds. */
export function lengthOdds(chars: number): number {
  return chars <= SHORT_TEXT_CHARS ? 0 : LONG_TEXT_ODDS * Math.log2(chars / SHORT_TEXT_CHARS);
}

/** Which parts of the evidence made a window suspicious; at least one. */
export function reasonsOf(windowText: string, origin: Origin): ("model" | "phrases" | "role_tokens")[] {
  const { weights, scale } = tableOf(origin);
  const sums = { model: 0, phrases: 0, role_tokens: 0 };
  scanText(windowText, (buffer, count) => {
    for (const feature of buffer.subarray(0, count)) sums[partOf(feature)] += weights[feature] ?? 0;
  });
  const parts = (["model", "phrases", "role_tokens"] as const).toSorted((one, other) => sums[other] - sums[one]);
  return parts.filter((part, rank) => rank === 0 || sums[part] * scale >= REASON_ODDS);
}

function partOf(feature: number): "model" | "phrases" | "role_tokens" {
  if (feature < PAIRS_AT || feature >= SIGNS_AT) return "model";
  if (feature >= TRIPLES_AT) return "phrases";
  const pair = feature - PAIRS_AT;
  return pair % CLASSES_MAX >= FIRST_MARK || pair / CLASSES_MAX >= FIRST_MARK ? "role_tokens" : "phrases";
}
