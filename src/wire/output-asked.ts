/** What of an answer a request allows at most: for who reserves it. */
import { CHOICE_NAMES, numberIn, TOKEN_NAMES } from "./output-caps.ts";

/** Tokens of one answer at most; null: it does not say. Some servers read a negative one as none. */
export function outputAsked(json: unknown): number | null {
  return largest(json, TOKEN_NAMES);
}

export const choicesAsked = (json: unknown): number => Math.max(1, largest(json, CHOICE_NAMES) ?? 1);

/** As JSON writes a member's name; an escape may write any of its letters. */
const NAMED = new RegExp(`"(?:${[...TOKEN_NAMES, ...CHOICE_NAMES].join("|")})"|\\\\u`);

/** False: a text of JSON says nothing of how much it asks for, at any depth, and need not be read for that. */
export const mayAskFor = (text: string): boolean => NAMED.test(text);

function largest(json: unknown, names: readonly string[]): number | null {
  if (typeof json !== "object" || json === null) return null;
  let most: number | null = null;
  for (const name of names) {
    const value = numberIn((json as Readonly<Record<string, unknown>>)[name]);
    if (value !== null && value >= 0 && (most === null || value > most)) most = value;
  }
  return most === null ? null : Math.ceil(most);
}
