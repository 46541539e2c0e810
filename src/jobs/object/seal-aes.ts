/**
 * Seals with AES-256-GCM (NIST SP 800-38D): what is read from the disk tells nothing but its length, and what was
 * changed or moved does not open.
 *
 * Model. A sealed value is version (1 byte), mark of the key (8), nonce (12, random), ciphertext, tag (16). Each queue
 * has a key of its own, derived from the secret by HKDF (RFC 5869), so that two pools never use a nonce of one key twice.
 * With random nonces a key is good for 2^32 values: at 20 jobs a second, five values each, that is 16 months; then the
 * secret is changed as at any other time. The mark is derived as well: whoever sees it learns which key, and nothing of it.
 * Rejected: WebCrypto, which is asynchronous (docs/decisions/0027); a key for each job, which costs a derivation for
 * each value and deletes nothing that deleting the row does not.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from "node:crypto";
import { lockedError } from "../core/locked.ts";
import { BrokenSeal } from "./sealer.ts";
import type { Place, Sealer } from "./sealer.ts";

const VERSION = 1;
const MARK_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + MARK_BYTES + NONCE_BYTES;
/** Of a secret, decoded. */
export const SECRET_BYTES = 32;

type Key = { readonly mark: string; readonly seal: Uint8Array; readonly blind: Uint8Array };

/** `secrets`: 32 bytes each, the one first that seals. */
export function aesSealer(secrets: readonly Uint8Array[], queueName: string): Sealer {
  const keys = secrets.map((secret) => keyOf(secret, queueName));
  const byMark = new Map(keys.map((key) => [key.mark, key]));
  const [first] = keys;
  if (first === undefined) throw new RangeError("a sealer has a key");
  const sealer: Sealer = {
    marks: keys.map(({ mark }) => mark),
    seal: (text, place) => sealer.sealBytes(new TextEncoder().encode(text), place).buffer as ArrayBuffer,
    open(stored, place) {
      // From before there was a key.
      if (typeof stored === "string") return stored;
      return new TextDecoder().decode(sealer.openBytes(new Uint8Array(stored), place));
    },
    sealBytes: (bytes, place) => encrypt(first, bytes, place),
    openBytes(sealed, place) {
      if (sealed[0] !== VERSION || sealed.byteLength < HEAD_BYTES + TAG_BYTES) throw new BrokenSeal("no sealed value");
      const mark = toHex(sealed.subarray(1, 1 + MARK_BYTES));
      const key = byMark.get(mark);
      if (key === undefined) throw lockedError(`what is stored is encrypted under the key ${mark}, which is not there`);
      return decrypt(key, sealed, place);
    },
    blinds: (text) => keys.map(({ blind }) => createHmac("sha256", blind).update(text).digest("base64url")),
  };
  return sealer;
}

function keyOf(secret: Uint8Array, queueName: string): Key {
  const derived = (use: string, bytes: number): Uint8Array =>
    new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(0), `warmpath/${use}/${queueName}`, bytes));
  return { mark: toHex(derived("mark", MARK_BYTES)), seal: derived("seal", 32), blind: derived("blind", 32) };
}

function encrypt({ mark, seal }: Key, bytes: Uint8Array, place: Place): Uint8Array {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const cipher = createCipheriv("aes-256-gcm", seal, nonce);
  cipher.setAAD(aad(place));
  const body = cipher.update(bytes);
  const rest = cipher.final();
  const tag = cipher.getAuthTag();
  const sealed = new Uint8Array(HEAD_BYTES + body.byteLength + rest.byteLength + TAG_BYTES);
  sealed[0] = VERSION;
  sealed.set(fromHex(mark), 1);
  sealed.set(nonce, 1 + MARK_BYTES);
  sealed.set(body, HEAD_BYTES);
  sealed.set(rest, HEAD_BYTES + body.byteLength);
  sealed.set(tag, sealed.byteLength - TAG_BYTES);
  return sealed;
}

function decrypt({ seal }: Key, sealed: Uint8Array, place: Place): Uint8Array {
  const decipher = createDecipheriv("aes-256-gcm", seal, sealed.subarray(1 + MARK_BYTES, HEAD_BYTES));
  decipher.setAAD(aad(place));
  decipher.setAuthTag(sealed.subarray(sealed.byteLength - TAG_BYTES));
  try {
    const body = decipher.update(sealed.subarray(HEAD_BYTES, sealed.byteLength - TAG_BYTES));
    decipher.final();
    return new Uint8Array(body);
  } catch {
    throw new BrokenSeal(`the value at ${place[0]} was not sealed there`);
  }
}

/** As JSON, so that no two places read the same. */
const aad = (place: Place): Uint8Array => new TextEncoder().encode(JSON.stringify(place));

const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const fromHex = (text: string): Uint8Array =>
  Uint8Array.from({ length: text.length / 2 }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16));
