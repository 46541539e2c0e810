/**
 * Decides which strings are addresses of crypto wallets: Bitcoin and Litecoin (bech32 and base58), Ethereum.
 *
 * Model. Anchored on the digit that each format has at its start. A bech32 address carries a checksum that is verified
 * here; a base58 one needs SHA-256 for that, so its shape has to do: 26 to 35 characters of both cases and digits.
 * Source: BIP 173 and BIP 350, EIP-55.
 * Rejected: 64 hexadecimal digits, which are transaction hashes and private keys, the secrets rail's business.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { isWordCode, keep, startOf } from "./pii-scan.ts";
import type { PiiScan } from "./pii-scan.ts";
import type { FoundSpan } from "../../core/rail.ts";

/** BIP 173: an address has at most 90 characters. */
const BECH32_CHARS_MAX = 90;

const BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const BECH32_PREFIXES: readonly string[] = ["bc", "tb", "ltc"];
const GENERATORS: readonly number[] = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const BECH32_SUM = 1;
const BECH32M_SUM = 0x2bc830a3;

export function findWallets(scan: PiiScan): FoundSpan[] {
  const found: FoundSpan[] = [];
  let from = 0;
  for (let group = 0; group < scan.starts.length; group += 1) {
    const at = startOf(scan, group);
    scan.meter.steps += 1;
    if (at < from) continue;
    const span = walletAt(scan, at);
    if (span === null) continue;
    if (!keep(scan, found, span)) break;
    from = span.end;
  }
  return found;
}

function walletAt(scan: PiiScan, at: number): FoundSpan | null {
  const { text } = scan;
  const first = text.charAt(at);
  if (first !== "0" && first !== "1" && first !== "3") return null;
  const startsWord = !isWordCode(text.charCodeAt(at - 1));
  if (first === "0") return startsWord ? ethereumAt(scan, at) : null;
  if (startsWord) return base58At(scan, at);
  return first === "1" ? bech32At(scan, at) : null;
}

function ethereumAt({ text, meter }: PiiScan, at: number): FoundSpan | null {
  if (text.charAt(at + 1) !== "x") return null;
  let end = at + 2;
  while (end - at <= 42 && isIn(text.charCodeAt(end), CHARS.hex)) end += 1;
  meter.steps += end - at;
  return end - at === 42 && !isWordCode(text.charCodeAt(end)) ? { start: at, end, type: "wallet" } : null;
}

function base58At({ text, meter }: PiiScan, at: number): FoundSpan | null {
  let end = at;
  let kinds = 0;
  while (end - at <= 35 && isBase58(text.charAt(end))) {
    kinds |= kindOf(text.charCodeAt(end));
    end += 1;
  }
  meter.steps += end - at;
  const length = end - at;
  if (length < 26 || length > 35 || kinds !== 7 || isWordCode(text.charCodeAt(end))) return null;
  return { start: at, end, type: "wallet" };
}

/** `at` is the "1" between the prefix and the data. */
function bech32At({ text, meter }: PiiScan, at: number): FoundSpan | null {
  const prefix = BECH32_PREFIXES.find((name) => text.slice(Math.max(0, at - name.length), at).toLowerCase() === name);
  if (prefix === undefined || isWordCode(text.charCodeAt(at - prefix.length - 1))) return null;
  const start = at - prefix.length;
  let end = at + 1;
  while (end - start <= BECH32_CHARS_MAX && isIn(text.charCodeAt(end), CHARS.alnum)) end += 1;
  meter.steps += end - start;
  if (end - start > BECH32_CHARS_MAX || isWordCode(text.charCodeAt(end))) return null;
  const address = text.slice(start, end);
  const lower = address.toLowerCase();
  if (address !== lower && address !== address.toUpperCase()) return null;
  return checksumHolds(prefix, lower.slice(prefix.length + 1)) ? { start, end, type: "wallet" } : null;
}

function checksumHolds(prefix: string, data: string): boolean {
  const high = Array.from(prefix, (char) => char.charCodeAt(0) >> 5);
  const low = Array.from(prefix, (char) => char.charCodeAt(0) & 31);
  let sum = 1;
  for (const value of [...high, 0, ...low, ...Array.from(data, (char) => BECH32.indexOf(char))]) {
    if (value < 0) return false;
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    for (const [bit, generator] of GENERATORS.entries()) if (((top >>> bit) & 1) === 1) sum ^= generator;
  }
  return sum === BECH32_SUM || sum === BECH32M_SUM;
}

function isBase58(char: string): boolean {
  return char !== "" && isIn(char.charCodeAt(0), CHARS.alnum) && !"0OIl".includes(char);
}

/** 1, 2, 4 for upper case, lower case, digits. */
function kindOf(code: number): number {
  if (isIn(code, CHARS.upper)) return 1;
  return isIn(code, CHARS.lower) ? 2 : 4;
}
