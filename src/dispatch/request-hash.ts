/** Tells a request from others, by its path and its body: the same one sent again is the same. */
import { keyedHash } from "../lib/keyed-hash.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Runtime } from "./runtime.ts";

/** Of a longer body its length, its start and its end are hashed, this many bytes each: 16 KiB take 50 µs. */
const HASHED_BYTES = 16_384;

/** `of`: whose request it is, where that matters. */
export function requestHash({ affinitySecret }: Runtime, { body, path }: Outgoing, of: string): string {
  const bytes = body === null ? new Uint8Array(0) : new Uint8Array(body);
  const text = new TextDecoder("latin1");
  const start = text.decode(bytes.subarray(0, HASHED_BYTES));
  const end = text.decode(bytes.subarray(Math.max(HASHED_BYTES, bytes.byteLength - HASHED_BYTES)));
  return keyedHash(affinitySecret, [of, String(path), bytes.byteLength, start, end].join("\n"));
}
