/**
 * Tells a request from others, by its tenant, its path and its whole body: the same one sent again is the same, in every
 * isolate, and nobody without the key can make one that is taken for another's.
 *
 * Model. SHA-256 of the body, which the platform computes, then a keyed hash (`lib/keyed-hash.ts`) of it with whose it is.
 * Rejected: the start and the end of a long body, by which two requests that differ in the middle are one.
 */
import { keyedHash } from "../lib/keyed-hash.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Runtime } from "./runtime.ts";

/** `of`: whose request it is, where that matters. */
export async function requestHash(
  { affinitySecret }: Pick<Runtime, "affinitySecret">,
  { body, path }: Pick<Outgoing, "body" | "path">,
  of: string,
): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body ?? new Uint8Array(0)));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return keyedHash(affinitySecret, `r ${of}\n${path}\n${hex}`);
}
