/**
 * Reads what is written in a text by other letters: base64, hexadecimal, percent signs, escapes of JSON and of HTML.
 * One layer, once: what comes out is looked at and not decoded again.
 *
 * Model. A run of letters that could be a code is decoded and kept if what comes out is a text. A finding in it means
 * the whole run, since a part of a code is no redaction. What may come out is bounded.
 * Rejected: decoding until nothing changes, which is a bomb.
 */

/** A run that is shorter holds no secret and no address. */
const RUN_CHARS_MIN = 16;

/** All that may come out of one text. */
const DECODED_CHARS_MAX = 262_144;

/** Of what came out, the share that must be printable. */
const READABLE_SHARE = 0.9;

export type Layer = { readonly start: number; readonly end: number; readonly text: string };

const BASE64_RUN = /[A-Za-z0-9+/_-]{16,}={0,2}/g;
/** From blank to blank, with escapes of any kind in it. */
const ESCAPED_RUN =
  /[^\s"'<>]*(?:%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|&#x?[0-9A-Fa-f]{2,6};)[^\s"'<>]*/g;
const ESCAPES = /%([0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|&#x([0-9A-Fa-f]{2,6});|&#([0-9]{2,7});/g;
const CODE_POINT_MAX = 0x10ffff;

/** What is hidden in the text, left to right within each kind. */
export function layersOf(text: string): readonly Layer[] {
  if (text.length < RUN_CHARS_MIN) return [];
  const layers: Layer[] = [];
  let left = DECODED_CHARS_MAX;
  const keep = (start: number, run: string, decoded: string | null): void => {
    if (decoded === null || decoded === run || left <= 0) return;
    const kept = decoded.slice(0, left);
    left -= kept.length;
    layers.push({ start, end: start + run.length, text: kept });
  };
  for (const match of text.matchAll(BASE64_RUN)) keep(match.index, match[0], decodedRun(match[0].slice(0, left * 2)));
  if (/[%\\&]/.test(text)) {
    for (const match of text.matchAll(ESCAPED_RUN)) keep(match.index, match[0], unescaped(match[0].slice(0, left * 6)));
  }
  return layers;
}

function decodedRun(run: string): string | null {
  const isHex = run.length % 2 === 0 && /^[0-9A-Fa-f]+$/.test(run);
  return (isHex ? printable(hexBytes(run)) : null) ?? printable(base64Bytes(run));
}

/** Null where it is no text. Bytes stand for characters: what rails look for is ASCII. */
function printable(bytes: readonly number[]): string | null {
  let plain = 0;
  for (const byte of bytes) if ((byte >= 32 && byte < 127) || byte === 9 || byte === 10 || byte === 13) plain += 1;
  if (bytes.length === 0 || plain < READABLE_SHARE * bytes.length) return null;
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function hexBytes(run: string): readonly number[] {
  const bytes: number[] = [];
  for (let at = 0; at < run.length; at += 2) bytes.push(Number.parseInt(run.slice(at, at + 2), 16));
  return bytes;
}

function base64Bytes(run: string): readonly number[] {
  const bytes: number[] = [];
  let bits = 0;
  let held = 0;
  for (let at = 0; at < run.length; at += 1) {
    const value = base64Value(run.charCodeAt(at));
    if (value < 0) continue;
    bits = ((bits << 6) | value) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes.push((bits >> held) & 255);
  }
  return bytes;
}

function base64Value(code: number): number {
  if (code >= 65 && code <= 90) return code - 65;
  if (code >= 97 && code <= 122) return code - 71;
  if (code >= 48 && code <= 57) return code + 4;
  if (code === 43 || code === 45) return 62;
  return code === 47 || code === 95 ? 63 : -1;
}

function unescaped(run: string): string {
  return run.replaceAll(ESCAPES, (all, ...codes: (string | undefined)[]) => {
    const [percent, unicode, byte, hex, decimal] = codes;
    const digits = percent ?? unicode ?? byte ?? hex;
    const code = digits === undefined ? Number(decimal) : Number.parseInt(digits, 16);
    return code <= CODE_POINT_MAX ? String.fromCodePoint(code) : all;
  });
}
