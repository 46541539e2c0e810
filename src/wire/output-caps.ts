/**
 * How much a request asks for: the tokens of one answer, and how many answers. Known by their names whatever the path, so
 * that no path is a way around.
 */
import type { Refusal } from "./refusal.ts";

export const TOKEN_NAMES = [
  "max_tokens",
  "max_completion_tokens",
  "max_output_tokens",
  "max_new_tokens",
  "n_predict",
] as const;
export const CHOICE_NAMES = ["n", "best_of"] as const;

export type OutputCaps = { readonly maxTokensMax: number; readonly nMax: number };

type Body = Readonly<Record<string, unknown>>;

/** Null: it asks for no more than it may. */
export function beyondCaps(json: unknown, { maxTokensMax, nMax }: OutputCaps): Refusal | null {
  if (typeof json !== "object" || json === null) return null;
  return beyond(json as Body, TOKEN_NAMES, maxTokensMax) ?? beyond(json as Body, CHOICE_NAMES, nMax);
}

/** Refused, and not lowered: a client that asks for much and gets less without a word has a shorter answer than it paid for. */
function beyond(body: Body, names: readonly string[], most: number): Refusal | null {
  for (const param of names) {
    const asked = numberIn(body[param]);
    if (asked === null || asked <= most) continue;
    return { reason: "invalid_request", detail: `${param} may be at most ${most}.`, param };
  }
  return null;
}

/** Engines take a number that is written as a text for one. */
export function numberIn(value: unknown): number | null {
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof number === "number" && !Number.isNaN(number) ? number : null;
}
