/**
 * The texts of a form as the JSON object that they stand for, and the form anew where one of them was changed.
 *
 * Model. What a form says in fields a JSON body says in members, so the same rails, limits and checks read both. Only the
 * bytes of a changed text are written anew: files, order and headers stay as they came.
 */
import { joined } from "../lib/bytes.ts";
import type { FormPart } from "./form-scan.ts";

export type FormFields = Readonly<Record<string, string | readonly string[]>>;

/** Of those that have ended. A name that ends with `[]` is a list, also of one. */
export function fieldsOf(parts: readonly FormPart[]): FormFields {
  const fields = new Map<string, string | string[]>();
  for (const { name, text } of parts) {
    if (text === null) continue;
    const known = fields.get(name);
    if (Array.isArray(known)) known.push(text);
    else fields.set(name, name.endsWith("[]") ? [text] : text);
  }
  return Object.fromEntries(fields);
}

/** `form`: from its beginning to behind the last text at least. Null: a text is no text any more. */
export function withFields(form: Uint8Array, parts: readonly FormPart[], fields: unknown): Uint8Array | null {
  const changed = (typeof fields === "object" && fields !== null ? fields : {}) as Readonly<Record<string, unknown>>;
  const seen = new Map<string, number>();
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const { name, text, start, end } of parts) {
    if (text === null || end === null) continue;
    const nth = seen.get(name) ?? 0;
    seen.set(name, nth + 1);
    const value = changed[name];
    const now: unknown = Array.isArray(value) ? value[nth] : value;
    if (typeof now !== "string") return null;
    if (now === text) continue;
    pieces.push(form.subarray(from, start), new TextEncoder().encode(now));
    from = end;
  }
  return joined([...pieces, form.subarray(from)]);
}
