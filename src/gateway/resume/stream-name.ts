/**
 * Decides under which name a client finds its stream again: 128 random bits, and a hash of them under a secret of the deployment,
 * the tenant and the key. A name that was given to somebody else, or to nobody, is known as such without asking the object
 * of that name, which is the authority: it knows its owner too.
 */
import { keyedHash } from "../../lib/keyed-hash.ts";
import type { HashKey } from "../../lib/keyed-hash.ts";
import type { Identity } from "../../wire/api-keys.ts";

const HEAD = "rs_";
const NAME = /^rs_([0-9a-f]{32})([0-9a-f]{16})$/;

type Owner = Pick<Identity, "tenant" | "keyId" | "subject">;

/** Whose a stream is: one key of one tenant, or whom a token speaks for. */
export const ownerOf = ({ tenant, keyId, subject = "" }: Owner): string => JSON.stringify([tenant, keyId, subject]);

/** `random`: 32 hex digits. */
export const streamName = (secret: HashKey, owner: Owner, random: string): string =>
  `${HEAD}${random}${markOf(secret, owner, random)}`;

/** Was this name given to this owner. */
export function isNameOf(secret: HashKey, owner: Owner, name: string): boolean {
  const [, random = "", mark] = NAME.exec(name) ?? [];
  return mark !== undefined && markOf(secret, owner, random) === mark;
}

const markOf = (secret: HashKey, owner: Owner, random: string): string =>
  keyedHash(secret, `s ${ownerOf(owner)} ${random}`);
