/**
 * Decides whether the rail `size` will refuse a body, before anything else walks its texts.
 *
 * Model. A count of lengths over the parsed value that ends at the first bound that is passed: no path, no character is
 * read. It counts no more than the full walk (`text-parts.ts`) reads: members that may be media, and long runs of
 * base64, are left to that one. So it may only err by saying nothing; a property test holds it to that.
 * Rejected: the bytes of the body, which say nothing while media and escapes count in them and not as text.
 */
import { hasMedia, isKnownValue, isParameter, KNOWN_NAMES, mayBeMedia } from "../../core/text/known-members.ts";
import type { Members } from "../../core/text/known-members.ts";
import { TEXT_DEPTH_MAX, TEXT_PARTS_MAX } from "../../core/text/text-bounds.ts";
import { longRunChars, RUN_CHARS_MIN } from "../../core/text/encoded-runs.ts";
import type { SizeOptions } from "./size.ts";
import { SIZE_CHARS_MAX, SIZE_MESSAGES_MAX } from "./size.ts";

/** Of one object: those that are read, those that the protocols have, and the empty one. */
const NAMES_MAX = TEXT_PARTS_MAX + KNOWN_NAMES.size + 1;

type Count = { readonly charsMax: number; chars: number; parts: number; readonly long: string[]; longChars: number };

/** One of the reasons that the rail will give; null says nothing. `bytesMax`: the body has at most as many characters. */
export function surelyBeyond(
  body: unknown,
  options: SizeOptions,
  everyMember = false,
  bytesMax = Infinity,
): string | null {
  if (typeof body !== "object" || body === null) return null;
  const { charsMax = SIZE_CHARS_MAX, messagesMax = SIZE_MESSAGES_MAX } = options;
  const { messages } = body as { readonly messages?: unknown };
  if (Array.isArray(messages) && messages.length > messagesMax) return "size:messages";
  if (bytesMax <= charsMax) return null;
  const count: Count = { charsMax, chars: 0, parts: 0, long: [], longChars: 0 };
  if (Array.isArray(body)) {
    if (everyMember) addValue(count, body, 0);
  } else addMembers(count, body as Members, 0, everyMember ? isNone : isParameter);
  if (count.parts > TEXT_PARTS_MAX) return "size:too_many_parts";
  if (count.chars > charsMax) return "size:chars";
  if (count.chars + count.longChars <= charsMax) return null;
  if (!everyMember) return "size:chars";
  const chars = count.long.reduce((sum, text) => sum + charsOf(text), count.chars);
  return chars > charsMax ? "size:chars" : null;
}

const isNone = (): boolean => false;

/** Media do not count where the shape of a body is not known: there they stand in texts. */
const charsOf = (text: string): number => text.length - longRunChars(text);

const isOver = ({ parts, chars, charsMax }: Count): boolean => parts > TEXT_PARTS_MAX || chars > charsMax;

function addMembers(count: Count, record: Members, depth: number, isLeft: (name: string) => boolean): void {
  if (hasTooManyNames(record)) count.parts = Infinity;
  // Beside media any text may count as some.
  else if (depth > 0 && hasMedia(record)) return;
  for (const name in record) {
    const value = record[name];
    if (isKnownValue(name, value)) continue;
    if (isLeft(name) && hasTooManyNames(value)) count.parts = Infinity;
    else if (!isLeft(name) && !mayBeMedia(record, name)) addValue(count, value, depth);
    if (isOver(count)) return;
  }
}

/** Names are texts, each once: so many in one object are too many, whatever they are. */
function hasTooManyNames(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  let names = 0;
  for (const _ in value) if ((names += 1) > NAMES_MAX) return true;
  return false;
}

function addValue(count: Count, value: unknown, depth: number): void {
  if (typeof value === "string") {
    if (value === "") return;
    count.parts += 1;
    if (value.length < RUN_CHARS_MIN) count.chars += value.length;
    else {
      count.long.push(value);
      count.longChars += value.length;
    }
  } else if (typeof value === "object" && value !== null && depth < TEXT_DEPTH_MAX) {
    if (!Array.isArray(value)) {
      addMembers(count, value as Members, depth + 1, isNone);
      return;
    }
    for (const item of value as readonly unknown[]) {
      addValue(count, item, depth + 1);
      if (isOver(count)) return;
    }
  }
}
