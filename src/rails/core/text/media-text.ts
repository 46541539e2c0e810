/**
 * Decides which strings of a body of unknown shape are media for the bounds of text.
 *
 * Model. Where the shape is known (`/v1`), media stand in members of their own and are no texts at all. Elsewhere
 * (`/p`, routes, jobs) a photo is a string like any other: a `data:` URL, or base64 in one run without a blank. Such a
 * string does not count as text; every other rail reads it as before, so nothing hides in it, and the bound of the body
 * bounds it.
 * Rejected: leaving it out of the texts, which would let a prompt in base64 pass unread; and the names of members
 * ("image"), which every worker chooses for itself.
 */
/** Shorter ones are keys and hashes, and cost nothing to count. */
export const MEDIA_CHARS_MIN = 1_024;

/** The longest type of a `data:` URL that is looked at. */
const DATA_HEAD_CHARS_MAX = 128;

/** `everyMember`: the shape of the body is not known. */
export function isMediaText(everyMember: boolean | undefined, text: string): boolean {
  if (everyMember !== true || text.length < MEDIA_CHARS_MIN) return false;
  const isUrl = text.startsWith("data:");
  const comma = isUrl ? text.slice(0, DATA_HEAD_CHARS_MAX).indexOf(";base64,") : -1;
  if (isUrl && comma === -1) return false;
  return isBase64(text, isUrl ? comma + ";base64,".length : 0);
}

/** Either alphabet, with or without its padding. */
function isBase64(text: string, from: number): boolean {
  let end = text.length;
  while (end > from && text.length - end < 2 && text.charCodeAt(end - 1) === 0x3d) end -= 1;
  for (let at = from; at < end; at += 1) {
    const code = text.charCodeAt(at);
    const isLetter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
    // Digits and the slash before them; plus, minus, low line.
    if (!isLetter && !(code >= 0x2f && code <= 0x39) && code !== 0x2b && code !== 0x2d && code !== 0x5f) return false;
  }
  return true;
}
