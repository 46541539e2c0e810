/**
 * Decides where a link leads and whether its address carries data.
 *
 * Model. The address is read as a browser reads it, and not as RFC 3986 would like it. Tabs and line breaks vanish; a
 * backslash is a slash; any number of slashes begins the host; everything up to the last "@" is a user's
 * name; the host is percent-decoded and brought into compatibility form. If what is left does not look like a
 * host name, no list allows it.
 * Source: WHATWG URL, section 4.4; Unicode TR46. No platform parser here: the core has none, and it could not say what
 * a Markdown renderer makes of an escape. Where readings differ, `readingsOf` gives all, and each must be allowed.
 * Rejected: decoding Punycode. A Unicode host is on the list only if the list has it in Unicode, and likewise in
 * Punycode.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { INVISIBLE, classOf, isWordChar } from "../../core/text/code-points.ts";

/** Units of a host name. DNS allows 253; escapes make it longer. */
const HOST_UNITS_MAX = 1_024;
/** Units of a query beyond which it carries data. Campaign parameters of ordinary links take up to about 150. */
export const QUERY_UNITS_MAX = 200;
/** Units of a path beyond which it carries data: percent-encoded titles of encyclopaedias take up to about 400. */
export const PATH_UNITS_MAX = 512;
/** Units of something that looks like base64. Ids of videos, lists and commits are shorter or have one case only. */
export const ENCODED_UNITS_MIN = 40;
/** Of these, units without a dash or an underscore: the words of a readable title are shorter. */
const ENCODED_RUN_UNITS_MIN = 20;
/** Units of one hexadecimal number or other one-case run: more than a SHA-256. */
export const ONE_CASE_UNITS_MIN = 65;
/** Units of one label of a host, and of the host. Hosts can carry data to whoever answers for their domain. */
export const LABEL_UNITS_MAX = 40;
export const PLAIN_HOST_UNITS_MAX = 100;

export type HostList = { readonly exact: ReadonlySet<string>; readonly below: ReadonlySet<string> };

/** `inert`: relative, or of a kind that loads nothing. `script`: runs or reads something. */
export type LinkTarget =
  | { readonly kind: "inert" }
  | { readonly kind: "script" }
  | { readonly kind: "external"; readonly host: string | null; readonly rest: string };

/** Their host begins without slashes too; every other scheme without slashes names no host. */
const WEB_SCHEMES = new Set(["http", "https", "ws", "wss", "ftp"]);
const SCRIPT_SCHEMES = new Set(
  "javascript vbscript livescript file blob filesystem view-source jar ms-msdt ms-officecmd search-ms".split(" "),
);
const SCHEME_UNITS_MAX = 32;

/** Entries are host names, or `*.` and a domain for all hosts below it (not the domain itself). */
export function hostListOf(entries: readonly string[]): HostList {
  const hosts = entries.map((entry) => plainHost(entry.startsWith("*.") ? entry.slice(2) : entry) ?? "");
  const pick = (wild: boolean) => hosts.filter((host, at) => host !== "" && entries[at]?.startsWith("*.") === wild);
  return { exact: new Set(pick(false)), below: new Set(pick(true)) };
}

export function isListed({ exact, below }: HostList, host: string): boolean {
  if (exact.has(host)) return true;
  for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
    if (below.has(host.slice(dot + 1))) return true;
  }
  return false;
}

/** Where an address leads. It may be relative to a page of which nothing is known. */
export function targetOf(address: string): LinkTarget {
  const url = withoutControls(address);
  const schemeEnd = schemeEndOf(url);
  if (schemeEnd < 0) {
    return isSlash(url.charCodeAt(0)) && isSlash(url.charCodeAt(1)) ? external(url, 0) : { kind: "inert" };
  }
  const scheme = url.slice(0, schemeEnd).toLowerCase();
  if (SCRIPT_SCHEMES.has(scheme)) return { kind: "script" };
  if (scheme === "data") return { kind: isRasterImage(url.slice(schemeEnd + 1)) ? "inert" : "script" };
  const isHostless = !isSlash(url.charCodeAt(schemeEnd + 1)) || !isSlash(url.charCodeAt(schemeEnd + 2));
  return isHostless && !WEB_SCHEMES.has(scheme) ? { kind: "inert" } : external(url, schemeEnd + 1);
}

/** True if what is after the host, or the host itself, is long or looks encoded. */
export function carriesData(host: string | null, rest: string): boolean {
  if (host !== null && (host.length > PLAIN_HOST_UNITS_MAX || host.split(".").some(isLongLabel))) return true;
  const fragmentAt = rest.indexOf("#");
  const sent = fragmentAt < 0 ? rest : rest.slice(0, fragmentAt);
  const queryAt = sent.indexOf("?");
  if (queryAt >= 0 && sent.length - queryAt - 1 > QUERY_UNITS_MAX) return true;
  if ((queryAt < 0 ? sent.length : queryAt) > PATH_UNITS_MAX) return true;
  // A fragment is not sent by itself, but a script at the other end can read it.
  return hasEncodedPiece(rest);
}

/** The address as it stands, with HTML entities decoded, and also with Markdown's escapes taken off. */
export function readingsOf(address: string): readonly string[] {
  if (!address.includes("&") && !address.includes("\\")) return [address];
  const decoded = withoutEntities(address);
  return [...new Set([address, decoded, withoutEscapes(address), withoutEscapes(decoded)])];
}

/**
 * HTML's character references: all numeric ones, and the named ones that can stand in an address for a sign of its
 * syntax.
 */
export function withoutEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replaceAll(/&(#[xX]?[0-9a-fA-F]{1,8}|[A-Za-z]{2,16});?/g, (all, name: string) => entity(name) ?? all);
}

function external(url: string, from: number): LinkTarget {
  let start = from;
  while (isSlash(url.charCodeAt(start))) start += 1;
  let end = start;
  while (end < url.length && !isAuthorityEnd(url.charCodeAt(end))) end += 1;
  const authority = url.slice(start, end);
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  return { kind: "external", host: plainHost(withoutPort(host)), rest: url.slice(end) };
}

/** The host as a browser would look it up, or null if it is none. */
function plainHost(raw: string): string | null {
  if (raw === "" || raw.length > HOST_UNITS_MAX) return null;
  const form = percentDecoded(raw).normalize("NFKC").toLowerCase().replaceAll("\u3002", ".");
  const host = form.endsWith(".") ? form.slice(0, -1) : form;
  return host !== "" && Array.from(host).every((char) => isHostChar(char.codePointAt(0) ?? 0)) ? host : null;
}

/**
 * Hosts in brackets keep their colons, and so does one with a port that is no number: no list of names allows either.
 */
function withoutPort(host: string): string {
  const colon = host.indexOf(":");
  if (colon < 0 || host.startsWith("[")) return host;
  for (let at = colon + 1; at < host.length; at += 1) if (!isIn(host.charCodeAt(at), CHARS.digit)) return host;
  return host.slice(0, colon);
}

function percentDecoded(text: string): string {
  if (!text.includes("%")) return text;
  return text.replaceAll(/%([0-7][0-9a-fA-F])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function isHostChar(codePoint: number): boolean {
  if (codePoint === 0x2d || codePoint === 0x2e || codePoint === 0x5f) return true;
  return isWordChar(codePoint) && (classOf(codePoint) & INVISIBLE) === 0;
}

function isLongLabel(label: string): boolean {
  if (label.length < LABEL_UNITS_MAX) return false;
  for (let at = 0; at < label.length; at += 1) if (label.charCodeAt(at) > 0x7f) return false;
  return true;
}

/** One pass: pieces of base64 alphabet, in them runs without a dash or an underscore, and which kinds of character. */
function hasEncodedPiece(rest: string): boolean {
  let piece = 0;
  let run = 0;
  let kinds = 0;
  let hasMixedRun = false;
  for (let at = 0; at < rest.length; at += 1) {
    const unit = rest.charCodeAt(at);
    const kind = encodedKind(unit);
    if (kind === 0) {
      piece = 0;
      hasMixedRun = false;
    } else piece += 1;
    if (kind === 0 || kind === DASH) {
      run = 0;
      kinds = 0;
      continue;
    }
    run += 1;
    kinds |= kind;
    hasMixedRun ||= run >= ENCODED_RUN_UNITS_MIN && (kinds & MIXED) === MIXED;
    if (hasMixedRun && piece >= ENCODED_UNITS_MIN) return true;
    if (run >= ONE_CASE_UNITS_MIN && (kinds & DIGITS) !== 0) return true;
  }
  return false;
}

const UPPER = 1;
const LOWER = 2;
const DIGITS = 4;
const MIXED = UPPER | LOWER | DIGITS;
const FILL = 8;
const DASH = 16;

function encodedKind(unit: number): number {
  if (unit >= 0x61 && unit <= 0x7a) return LOWER;
  if (unit >= 0x41 && unit <= 0x5a) return UPPER;
  if (unit >= 0x30 && unit <= 0x39) return DIGITS;
  if (unit === 0x2b || unit === 0x3d) return FILL;
  // Percent signs separate: a title in percent-encoding mixes digits and letters too.
  return unit === 0x2d || unit === 0x5f || unit === 0x25 ? DASH : 0;
}

function schemeEndOf(url: string): number {
  for (let at = 0; at <= SCHEME_UNITS_MAX && at < url.length; at += 1) {
    const unit = url.charCodeAt(at);
    const lower = unit | 0x20;
    const isLetter = lower >= 0x61 && lower <= 0x7a;
    if (isLetter) continue;
    if (at === 0) return -1;
    if (unit === 0x3a) return at;
    if (!(unit >= 0x30 && unit <= 0x39) && unit !== 0x2b && unit !== 0x2d && unit !== 0x2e) return -1;
  }
  return -1;
}

function isRasterImage(data: string): boolean {
  const type = data.slice(0, 16).toLowerCase();
  return ["image/png", "image/jpeg", "image/gif", "image/webp"].some(
    (raster) => type.startsWith(raster) && !/[a-z0-9.+-]/.test(type.charAt(raster.length)),
  );
}

function isSlash(unit: number): boolean {
  return unit === 0x2f || unit === 0x5c;
}

function isAuthorityEnd(unit: number): boolean {
  return isSlash(unit) || unit === 0x3f || unit === 0x23;
}

/** Without spaces and controls around it, and without tabs and line breaks anywhere: a browser takes them out. */
function withoutControls(address: string): string {
  let start = 0;
  let end = address.length;
  while (start < end && address.charCodeAt(start) <= 0x20) start += 1;
  while (end > start && address.charCodeAt(end - 1) <= 0x20) end -= 1;
  return address.slice(start, end).replaceAll(/[\t\n\r]/g, "");
}

/** CommonMark: a backslash before a sign stands for the sign. */
function withoutEscapes(text: string): string {
  return text.replaceAll(/\\([!-/:-@[-`{-~])/g, "$1");
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  apos: "'",
  bsol: "\\",
  colon: ":",
  commat: "@",
  equals: "=",
  gt: ">",
  hyphen: "\u2010",
  lowbar: "_",
  lpar: "(",
  lt: "<",
  nbsp: "\u00a0",
  newline: "\n",
  num: "#",
  percnt: "%",
  period: ".",
  quest: "?",
  quot: '"',
  rpar: ")",
  semi: ";",
  shy: "\u00ad",
  sol: "/",
  tab: "\t",
};

function entity(name: string): string | null {
  if (!name.startsWith("#")) {
    const known = name.toLowerCase();
    return Object.hasOwn(ENTITIES, known) ? (ENTITIES[known] ?? null) : null;
  }
  const isHex = name.charAt(1).toLowerCase() === "x";
  const codePoint = Number.parseInt(name.slice(isHex ? 2 : 1), isHex ? 16 : 10);
  return codePoint > 0 && codePoint <= 0x10_ffff ? String.fromCodePoint(codePoint) : null;
}
