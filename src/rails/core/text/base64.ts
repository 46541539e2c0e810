/**
 * Base64 and hexadecimal without the host: the core has no `atob`. Both alphabets of base64 are read; padding, line
 * breaks and anything else is skipped, since an attacker's decoder, a language model, is lenient too.
 */

/** The bytes, at most `bytesMax` of them. */
export function decodeBase64(text: string, bytesMax: number): Uint8Array {
  const bytes = new Uint8Array(Math.min(bytesMax, Math.ceil((text.length * 3) / 4)));
  let length = 0;
  let bits = 0;
  let held = 0;
  for (let at = 0; at < text.length && length < bytes.length; at += 1) {
    const value = base64Value(text.charCodeAt(at));
    if (value < 0) continue;
    bits = ((bits << 6) | value) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes[length] = (bits >> held) & 255;
    length += 1;
  }
  return bytes.subarray(0, length);
}

/** 0 to 15, or -1. */
export function hexValue(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const folded = code | 32;
  return folded >= 97 && folded <= 102 ? folded - 87 : -1;
}

/** 0 to 63, or -1. */
export function base64Value(code: number): number {
  if (code >= 65 && code <= 90) return code - 65;
  if (code >= 97 && code <= 122) return code - 71;
  if (code >= 48 && code <= 57) return code + 4;
  if (code === 43 || code === 45) return 62;
  return code === 47 || code === 95 ? 63 : -1;
}
