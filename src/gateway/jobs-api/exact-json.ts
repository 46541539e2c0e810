/**
 * Reads JSON without losing the digits of numbers that a double cannot hold: a part of the body is stored and sent on,
 * and a seed of 64 bits must arrive as it was.
 */
import { parseExact } from "../../wire/json-text.ts";
import { writeJson } from "../../wire/body.ts";

/**
 * The value to store of a body that is `json` when parsed, and `changed` after the rails. Null: the change is
 * nested too deep to be written.
 */
export function exactJson(bytes: ArrayBuffer, json: unknown, changed: unknown): unknown {
  const written = changed === json ? bytes : writeJson(changed, bytes);
  return written === null ? null : parseExact(new TextDecoder().decode(written));
}
