/**
 * Decides what is left of an endpoint's words when they quote the request: engines put prompts into their errors, and a
 * prompt must not lie in a log.
 *
 * Model. Letters and digits are compared, and nothing else: a quote has other escapes, quotation marks and breaks than the
 * request, once for each layer that wrote it down. Every run of QUOTE_CHARS_MIN of them that is in the request too is taken
 * out, as far as it goes, with what stands between them. Runs are looked for by pieces of GRAM_CHARS at every STRIDE-th place of
 * the request, which finds each of that length. Of a long request its beginning and its end are compared, which is what
 * errors quote.
 * Rejected: to leave it to the detectors of secrets and personal data, which know no ordinary sentence; to show nothing, which
 * does not tell "CUDA out of memory" from a bug.
 */

/** Letters and digits of a quote; a shorter one may be anybody's words. */
export const QUOTE_CHARS_MIN = 12;
const GRAM_CHARS = 8;
const STRIDE = QUOTE_CHARS_MIN - GRAM_CHARS + 1;

/** Compared at each end of a request, bytes: some ms, of a request that has failed. */
export const QUOTED_BYTES_MAX = 65_536;

const QUOTE = "[REDACTED:request]";

/** `body`: of the request; null: it has none. */
export function withoutQuotes(shown: string, body: ArrayBuffer | Uint8Array | null): string {
  if (body === null || shown.length < QUOTE_CHARS_MIN) return shown;
  const view = viewOf(shown);
  const grams = gramsOf(view.chars);
  const isQuoted = new Uint8Array(shown.length);
  for (const text of textsOf(new Uint8Array(body))) mark(isQuoted, view, grams, text);
  return cut(shown, isQuoted);
}

const ESCAPED_UNIT = /\\+u([0-9a-fA-F]{4})/g;
const ESCAPED_BREAK = /\\+[nrtbf]/g;
const NEITHER_LETTER_NOR_DIGIT = /[^\p{L}\p{N}]+/gu;
const ONE = /\\+u(?<unit>[0-9a-fA-F]{4})|\\+[nrtbf]|(?<plain>[\p{L}\p{N}])/gu;

const unitOf = (hex: string): string => String.fromCharCode(Number.parseInt(hex, 16));

/** Letters and digits of a text; where each stands, and where it ends. */
type View = { readonly chars: string; readonly from: readonly number[]; readonly to: readonly number[] };

function viewOf(shown: string): View {
  let chars = "";
  const from: number[] = [];
  const to: number[] = [];
  for (const { index, 0: whole, groups } of shown.matchAll(ONE)) {
    const { unit, plain = unit === undefined ? "" : unitOf(unit) } = groups ?? {};
    for (const char of plain.split("")) {
      chars += char;
      from.push(index);
      to.push(index + whole.length);
    }
  }
  return { chars, from, to };
}

/** Where each piece stands. */
function gramsOf(chars: string): ReadonlyMap<string, readonly number[]> {
  const grams = new Map<string, number[]>();
  for (let at = 0; at + GRAM_CHARS <= chars.length; at++) {
    const gram = chars.slice(at, at + GRAM_CHARS);
    const places = grams.get(gram);
    if (places === undefined) grams.set(gram, [at]);
    else places.push(at);
  }
  return grams;
}

/** The request's letters and digits. */
function textsOf(bytes: Uint8Array): readonly string[] {
  const isLong = bytes.byteLength > 2 * QUOTED_BYTES_MAX;
  const parts = isLong ? [bytes.subarray(0, QUOTED_BYTES_MAX), bytes.subarray(-QUOTED_BYTES_MAX)] : [bytes];
  const decoder = new TextDecoder();
  return parts.map((part) =>
    decoder
      .decode(part)
      .replaceAll(ESCAPED_UNIT, (_, hex: string) => unitOf(hex))
      .replaceAll(ESCAPED_BREAK, "")
      .replaceAll(NEITHER_LETTER_NOR_DIGIT, ""),
  );
}

function mark(isQuoted: Uint8Array, { chars, from, to }: View, grams: ReturnType<typeof gramsOf>, text: string): void {
  for (let at = 0; at + GRAM_CHARS <= text.length; at += STRIDE) {
    for (const place of grams.get(text.slice(at, at + GRAM_CHARS)) ?? []) {
      let back = 0;
      while (back < place && back < at && chars[place - back - 1] === text[at - back - 1]) back += 1;
      let ahead = GRAM_CHARS;
      while (place + ahead < chars.length && chars[place + ahead] === text[at + ahead]) ahead += 1;
      if (back + ahead >= QUOTE_CHARS_MIN) isQuoted.fill(1, from[place - back], to[place + ahead - 1]);
    }
  }
}

function cut(shown: string, isQuoted: Uint8Array): string {
  let left = "";
  for (let at = 0; at < shown.length; at++) {
    if (isQuoted[at] === 0) left += shown[at] ?? "";
    else if (at === 0 || isQuoted[at - 1] === 0) left += QUOTE;
  }
  return left;
}
