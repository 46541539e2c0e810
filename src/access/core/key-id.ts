/**
 * Decides the id of a key that the registry makes: `{label}-{6 random}{10 of a keyed hash}`.
 *
 * Model. The checksum of a key is public, so whoever knows the form can make keys that look right, as many as they like,
 * and each would cost the registry a look. The tail of the id is a hash under the pepper (SipHash, 40 bits), which only the
 * deployment can make: an id without it was never given, and nobody has to be asked. After both peppers of a rotation
 * have gone, the tail of an older id proves nothing any more; such ids still work, through a budget of looks
 * (`key-book.ts`).
 * Rejected: a list of all ids in every isolate.
 */
import { hashKeyOf, keyedHash } from "../../lib/keyed-hash.ts";
import type { HashKey } from "../../lib/keyed-hash.ts";

/** 32 at most in all, as the form of a key has it. */
export const LABEL_CHARS_MAX = 15;
const RANDOM_CHARS = 6;
const TAIL_CHARS = 10;

/** `label`: of a-z 0-9 -, beginning with a letter or a digit. `random`: six of a-z 0-9. */
export function keyIdOf(secret: HashKey, label: string, random: string): string {
  const base = `${label}-${random}`;
  return base + tailOf(secret, base);
}

/** Was it given by this deployment, under one of these. */
export function isGiven(secrets: readonly HashKey[], id: string): boolean {
  const base = id.slice(0, -TAIL_CHARS);
  if (!/-[a-z0-9]{6}$/.test(base)) return false;
  return secrets.some((secret) => tailOf(secret, base) === id.slice(-TAIL_CHARS));
}

/** The letter keeps it apart from the names that affinity hashes. */
const tailOf = (secret: HashKey, base: string): string => keyedHash(secret, `k ${base}`).slice(0, TAIL_CHARS);

/** Six characters of 36, of as many random bytes. */
export const randomPart = (bytes: readonly number[]): string =>
  bytes
    .slice(0, RANDOM_CHARS)
    .map((byte) => (byte % 36).toString(36))
    .join("");

/** Names a pepper without telling it. */
export const pepperMark = (pepper: string): string => keyedHash(hashKeyOf(pepper), "pepper").slice(0, 8);
