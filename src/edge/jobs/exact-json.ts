/**
 * Reads JSON without losing the digits of numbers that a double cannot hold: a part of the body is stored and sent on, and
 * a seed of 64 bits must arrive as it was. Such a number is an object that `JSON.stringify` writes as its source.
 */
import { writeJson } from "../body.ts";

/** ES2026's access to a value's source text, which the type library does not have yet. */
type JsonWithSource = {
  parse(text: string, reviver: (name: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(source: string): object;
};
const { parse, rawJSON } = JSON as unknown as JsonWithSource;

/** A double holds every number of fifteen digits. */
const MAY_LOSE_DIGITS = /\d[\d.]{15}/;

/**
 * The value to store of a body that is `json` when parsed, and `changed` after the rails. Null: the change is nested too
 * deep to be written.
 */
export function exactJson(bytes: ArrayBuffer, json: unknown, changed: unknown): unknown {
  const written = changed === json ? bytes : writeJson(changed, bytes);
  if (written === null) return null;
  const text = new TextDecoder().decode(written);
  if (!MAY_LOSE_DIGITS.test(text)) return changed;
  return parse(text, (_, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source ? rawJSON(source) : value,
  );
}
