/**
 * Decides in which forms a credential is looked for where it must not be shown.
 *
 * Model. As it is, and in base64, which debuggers and Basic authentication use. What base64 makes of a text depends on
 * where in a group of three it begins, so that all three are looked for, each without the characters that share bits
 * with what stands beside it. Rejected: to decode whatever looks like base64, in every header of every answer.
 */

/** A shorter credential, or form of one, is a word, and would take words out of every message. */
const CREDENTIAL_CHARS_MIN = 4;
const ENCODED_CHARS_MIN = 8;

/**
 * The longest first, so that none is left half where one is within another. Empty for a credential that is too short.
 */
export function formsOf(credential: string): readonly string[] {
  if (credential.length < CREDENTIAL_CHARS_MIN) return [];
  const bytes = new TextEncoder().encode(credential);
  const encoded = [0, 1, 2].map((offset) => encodedAt(bytes, offset)).filter((one) => one.length >= ENCODED_CHARS_MIN);
  const forUrls = encoded.map((one) => one.replaceAll("+", "-").replaceAll("/", "_"));
  return [...new Set([credential, ...encoded, ...forUrls])].toSorted((left, right) => right.length - left.length);
}

/** Is one of them in the text. */
export const quotes = (text: string, forms: readonly string[]): boolean => forms.some((form) => text.includes(form));

/** The text without them. */
export function withoutForms(text: string, forms: readonly string[]): string {
  return forms.reduce((rest, form) => rest.replaceAll(form, "[REDACTED:credential]"), text);
}

/** Base64 of the bytes behind `offset` others: the characters that are theirs alone. */
function encodedAt(bytes: Uint8Array, offset: number): string {
  const text = btoa(String.fromCodePoint(...new Uint8Array(offset), ...bytes)).replace(/=+$/, "");
  const begin = offset === 0 ? 0 : offset + 1;
  return text.slice(begin, Math.floor(((offset + bytes.length) * 4) / 3));
}
