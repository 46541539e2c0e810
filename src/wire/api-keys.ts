/**
 * Decides who a presented API key belongs to.
 *
 * Model: a key is `wp_<id>_<secret><checksum>`. The id is public and finds the entry, the secret is 256 random bits,
 * the checksum (CRC-32, as in GitHub's tokens) tells a typo from a wrong key without any work and lets scanners
 * recognise a leaked key. The config holds HMAC-SHA-256(pepper, key): whoever reads the config can neither use nor test
 * a key. The HMAC covers the id, so an entry's digest is worth nothing under another id. One HMAC a pepper, whether the
 * id is known or not, and digests are compared in constant time. Sources: RFC 2104, GitHub's token format.
 * Rejected: bcrypt and its like, which protect weak secrets; 256 random bits need no slow hash.
 */
import { err, ok, type Result } from "../lib/result.ts";
import type { Access, ApiKeyEntry, Scope } from "../config/config.ts";
import type { KeyLimits } from "../config/limits-schema.ts";
import type { Priority } from "../routing/core/shard/priority.ts";

const KEY_PREFIX = "wp_";
/** 32 random bytes in base64url. */
const SECRET_CHARS = 43;
/** CRC-32 in base 62: 62^6 is above 2^32. */
const CHECKSUM_CHARS = 6;
/** The config allows ids of 1 to 32. */
const ID_CHARS_MAX = 32;
const FIXED_CHARS = KEY_PREFIX.length + 1 + SECRET_CHARS + CHECKSUM_CHARS;
export const KEY_CHARS_MIN = FIXED_CHARS + 1;
export const KEY_CHARS_MAX = FIXED_CHARS + ID_CHARS_MAX;
/** 24 random bytes in base64: a shorter pepper could be guessed together with a leaked config. */
export const PEPPER_CHARS_MIN = 32;
/** Characters of verified values that an isolate remembers: some 20,000 keys, or 1,000 long tokens. */
const REMEMBERED_CHARS_MAX = 2_097_152;

export type Identity = {
  readonly keyId: string;
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  /** The highest class that its requests may wait in; absent: normal. */
  readonly priorityMax?: Priority;
  /** What it may reach, and from where; absent: all there is, from anywhere. */
  readonly access?: Access;
  /** Who a token speaks for; absent: a key. */
  readonly subject?: string;
  /** What its requests may come to, beside its tenant's; absent or null: no limit of its own. */
  readonly limits?: KeyLimits | null | undefined;
};
/** `unknown` covers a wrong secret too: which of the two it was is nobody's business. */
type KeyRefusal = "malformed" | "unknown" | "expired";

export type ParsedKey = { readonly id: string; readonly key: string };

const KEY = /^wp_([a-z0-9][a-z0-9-]{0,31})_([A-Za-z0-9_-]{43})([0-9A-Za-z]{6})$/;
const BEARER = /^bearer +/i;

/**
 * Reads the value of `Authorization` (`Bearer wp_…`) or of `x-api-key` (`wp_…`); null when it cannot be a key of ours.
 * Costs no cryptography.
 */
export function parseKey(headerValue: string | null): ParsedKey | null {
  // The scheme and its spaces are bounded too, before any pattern runs.
  if (headerValue === null || headerValue.length > KEY_CHARS_MAX + 16) return null;
  const key = headerValue.replace(BEARER, "").trim();
  if (key.length < KEY_CHARS_MIN || key.length > KEY_CHARS_MAX) return null;
  const [, id, , checksum] = KEY.exec(key) ?? [];
  if (id === undefined || checksum !== keyChecksum(key.slice(0, -CHECKSUM_CHARS))) return null;
  return { id, key };
}

/** `secretBytes`: 32 bytes from a cryptographic source. */
export function formatKey(id: string, secretBytes: Uint8Array): string {
  const body = `${KEY_PREFIX}${id}_${base64url(secretBytes)}`;
  return body + keyChecksum(body);
}

/** Digest of a whole key (`wp_…`) under the pepper: 32 bytes; hex of it is the config's `hmac`. */
export async function keyHmac(key: string, pepper: string): Promise<Uint8Array> {
  return sign(await importPepper(pepper), key);
}

export type KeyVerifier = {
  /** `headerValue`: of `Authorization` or `x-api-key`; `nowMs`: epoch ms. */
  readonly verify: (headerValue: string | null, nowMs: number) => Promise<Result<Identity, KeyRefusal>>;
  /** A value that was verified elsewhere is good without a look until `untilMs`, epoch ms. */
  readonly remember: (headerValue: string, identity: Identity, untilMs: number) => void;
  /** Digests of a whole key, one a pepper. */
  readonly digests: (key: string) => Promise<readonly Uint8Array[]>;
};

/**
 * A verifier for one config and its peppers, of which there are two while one is changed; without any no key is good.
 * Digests are decoded once; a pepper is imported on first use and kept as a key, never as a promise, because a Worker may
 * not await what another request started.
 *
 * A value that was verified is remembered with its identity: a caller's next requests then cost a look-up instead of an
 * HMAC. Only good values are remembered, up to `REMEMBERED_CHARS_MAX`, and a look-up tells a guesser nothing: it finds a
 * value only by the whole of its 256 random bits.
 */
export function createKeyVerifier(entries: readonly ApiKeyEntry[], peppers: readonly string[]): KeyVerifier {
  const table = new Map(entries.map((entry) => [entry.id, { entry, digest: fromHex(entry.hmac) }]));
  const noDigest = new Uint8Array(32);
  const remembered = new Map<string, { readonly known: Result<Identity, never>; readonly untilMs: number }>();
  let chars = 0;
  let pepperKeys: readonly PepperKey[] | null = null;
  const digests: KeyVerifier["digests"] = async (key) => {
    pepperKeys ??= await Promise.all(peppers.map(importPepper));
    return Promise.all(pepperKeys.map((pepperKey) => sign(pepperKey, key)));
  };
  const remember: KeyVerifier["remember"] = (value, identity, untilMs) => {
    if (!remembered.delete(value)) chars += value.length;
    remembered.set(value, { known: ok(identity), untilMs });
    for (const oldest of remembered.keys()) {
      if (chars <= REMEMBERED_CHARS_MAX) break;
      chars -= oldest.length;
      remembered.delete(oldest);
    }
  };
  return {
    async verify(headerValue, nowMs) {
      const found = headerValue === null ? undefined : remembered.get(headerValue);
      if (found !== undefined && nowMs < found.untilMs) return found.known;
      const parsed = parseKey(headerValue);
      if (headerValue === null || parsed === null) return err("malformed");
      const made = await digests(parsed.key);
      const own = table.get(parsed.id);
      const isEqual = made.filter((digest) => equalDigests(digest, own?.digest ?? noDigest)).length > 0;
      if (own === undefined || !isEqual) return err("unknown");
      const { entry } = own;
      const untilMs = entry.expiresAtMs ?? Infinity;
      // Only who holds the key learns that it has expired.
      if (nowMs >= untilMs) return err("expired");
      const { id, tenant, scopes, priorityMax, limits, access } = entry;
      const identity = { keyId: id, tenant, scopes, priorityMax, limits, ...(access && { access }) };
      remember(headerValue, identity, untilMs);
      return ok(identity);
    },
    remember,
    digests,
  };
}

/** What is wrong with a pepper, for the operator; null when it is good. */
export function pepperProblem(pepper: string | undefined): string | null {
  if (pepper === undefined || pepper === "") return "is not set";
  if (pepper.length < PEPPER_CHARS_MIN) return `is shorter than ${PEPPER_CHARS_MIN} characters`;
  return null;
}

/**
 * Equal in content, in a time that depends on the length alone. Written here because `crypto.subtle.timingSafeEqual`
 * exists in workerd only.
 */
export function equalDigests(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let index = 0; index < left.length; index += 1) difference |= (left[index] ?? 0) ^ (right[index] ?? 0);
  return difference === 0;
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

type PepperKey = Awaited<ReturnType<typeof importPepper>>;

function importPepper(pepper: string) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", new TextEncoder().encode(pepper), algorithm, false, ["sign"]);
}

async function sign(key: PepperKey, text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text)));
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Six characters of base 62, the most significant first. `text` is ASCII. */
export function keyChecksum(text: string): string {
  let rest = crc32(text);
  let digits = "";
  for (let index = 0; index < CHECKSUM_CHARS; index += 1) {
    digits = BASE62.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

/** CRC-32 of IEEE 802.3, bit by bit: 85 characters need no table. */
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let index = 0; index < text.length; index += 1) {
    crc ^= text.charCodeAt(index);
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
