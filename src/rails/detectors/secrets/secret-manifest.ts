/**
 * Decides which lines of a Kubernetes secret are its data: any name, and a value in base64 up to the end of the line.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { bodyLooksSecret } from "./secret-body.ts";
import { runEnd, takeTry } from "./secret-scan.ts";
import type { Scan } from "./secret-scan.ts";
import { VALUE_CHARS_MAX } from "./secret-value.ts";
import type { Value } from "./secret-value.ts";
import type { FoundSpan } from "../../core/rail.ts";

/** Shortest value in a manifest's data: eight bytes. */
const MANIFEST_VALUE_CHARS_MIN = 10;

/** A line of a Kubernetes secret's data: any name, a value in base64, the end of the line. */
export function matchManifest(scan: Scan, at: number, { at: from }: Value): FoundSpan | null {
  if (!isManifest(scan) || scan.text.charAt(at) !== ":") return null;
  const end = runEnd(scan, CHARS.base64, from);
  const length = end - from;
  if (length < MANIFEST_VALUE_CHARS_MIN || length > VALUE_CHARS_MAX || length % 4 !== 0) return null;
  if (!"\r\n\"'".includes(scan.text.charAt(end)) || !takeTry(scan, matchManifest, end)) return null;
  if (!isBothCases(scan, from, end) || !bodyLooksSecret(scan, from, end, { entropyMin: 2.5 })) return null;
  return { start: from, end, type: "kubernetes_secret" };
}

/** Base64 of anything has capitals and small letters; names and labels beside it have not. */
function isBothCases({ text, meter }: Scan, from: number, to: number): boolean {
  let seen = 0;
  for (let at = from; at < to; at += 1) {
    if (isIn(text.charCodeAt(at), CHARS.upper)) seen |= CHARS.upper;
    if (isIn(text.charCodeAt(at), CHARS.lower)) seen |= CHARS.lower;
  }
  meter.steps += to - from;
  return seen === CHARS.letter;
}

/** What all of them begin with. */
const MANIFEST_KIND = "kind: ";

const MANIFEST_KINDS: readonly string[] = [
  "kind: Secret",
  "kind: secret",
  'kind: "Secret"',
  'kind: "secret"',
  "kind: 'Secret'",
];

export function isManifest(scan: Scan): boolean {
  return (scan.hasManifest ??= holdsManifest(scan.text, scan.meter));
}

/** Reads the whole text: for who asks once. */
export function holdsManifest(text: string, meter: { steps: number }): boolean {
  meter.steps += text.length;
  return text.includes(MANIFEST_KIND) && MANIFEST_KINDS.some((kind) => text.includes(kind));
}
