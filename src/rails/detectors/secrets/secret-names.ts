/**
 * Decides whether the name that a value is given is the name of a credential.
 *
 * Model. The name ends in a credential's word ("apiKey", "client_secret"), perhaps with its type, its stage or a number
 * behind ("API_KEY_2", "tokenProd"), and in none of the words that only look like one ("page_token"). A bare "key" is
 * no such word: primary keys and cache keys are no secrets.
 * Rejected: the word anywhere in the name, which takes "token_count" and "secret_name" for secrets.
 */
import type { NameWindow } from "./secret-scan.ts";
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { NAMES_MAX } from "./secret-scan.ts";
import type { Scan } from "./secret-scan.ts";

/** Longest name looked at, spaces included. */
export const NAME_CHARS_MAX = 64;

/** Quotes, brackets and spaces between a name and its operator. */
const GAP_CHARS_MAX = 8;

/** Lower case without separators. */
const CREDENTIAL_ENDINGS: readonly string[] = [
  "apikey secret secretkey accesskey privatekey signingkey encryptionkey masterkey servicekey authkey appkey clientkey",
  "serverkey storagekey licensekey accountkey sharedkey hmackey aeskey deploykey webhookkey sessionkey cookiekey dbkey",
  "userkey restkey integrationkey ingestionkey ingestkey subscriptionkey functionkey insertkey signaturekey",
  "token password passwd passphrase credential credentials authorization apitoken authtoken creds xauth xapikey",
  "secretkeybase secretbase connectionstring jwt bearer apiauth userauth basicauth secretvalue cryptokey decryptionkey datakey sastoken",
].flatMap((words) => words.split(" "));

const PASSWORD_ENDINGS: readonly string[] = "password passwd passphrase pwd pass psw passcode".split(" ");

/** Names that end like a credential's and are not: cursors, and what a tokenizer calls a token. */
const HARMLESS_ENDINGS: readonly string[] = [
  "pagetoken continuationtoken csrftoken xsrftoken synctoken cachetoken nexttoken resumetoken cursortoken stoptoken",
  "eostoken bostoken padtoken unktoken masktoken septoken clstoken endtoken starttoken cancellationtoken publictoken",
  "csrf xsrf authenticitytoken verificationtoken csrfmiddlewaretoken clienttoken requesttoken idempotencytoken",
  "creationtoken publicsecret bypass compass encompass surpass trespass",
].flatMap((words) => words.split(" "));

/** What may follow a credential's word without changing what it names. */
const SUFFIXES: readonly string[] = [
  "string str value val env var prod production dev development staging stage test live main primary secondary old new",
  "current default header v1 v2 v3 id1 raw text plain",
].flatMap((words) => words.split(" "));

const BY_LAST = new Map<string, readonly string[]>();

/** In the order of the table. */
function suffixesOf(last: string): readonly string[] {
  let suffixes = BY_LAST.get(last);
  if (suffixes === undefined) BY_LAST.set(last, (suffixes = SUFFIXES.filter((suffix) => suffix.endsWith(last))));
  return suffixes;
}

const BY_ENDING_PAIR = new Map<string, readonly string[]>();

/** The name to the left of an operator at `at`; null if there is none or it is longer than any name. */
export function nameBefore(scan: Scan, at: number): NameWindow | null {
  const { text, meter } = scan;
  let end = at;
  while (end > 0 && at - end < GAP_CHARS_MAX && isGap(text.charCodeAt(end - 1))) end -= 1;
  let start = end;
  let wordsAt = end;
  while (start > 0 && end - start <= NAME_CHARS_MAX && isNameChar(text.charCodeAt(start - 1))) {
    start -= 1;
    if (text.charCodeAt(start) === 0x20) wordsAt = start;
  }
  meter.steps += at - start + 1;
  // A word that is cut off is no name.
  if (end - start > NAME_CHARS_MAX) start = wordsAt;
  if (start === end || isTypeName(text, start, end) || isListed(scan, start, end)) return null;
  const written = text.slice(start, end);
  let name = scan.names.get(written);
  if (name === undefined) {
    const words = written.toLowerCase();
    name = { words, written, plain: plainName(words), isValue: words.trim() === "value" };
    if (scan.names.size >= NAMES_MAX) scan.names.clear();
    scan.names.set(written, name);
  }
  return name.isValue ? nameBeside(scan, start) : name;
}

/** A number before a comma, in a list of them: no name, and a list has as many as it has commas. */
function isListed({ text }: Scan, start: number, end: number): boolean {
  if (text.charCodeAt(end) !== COMMA) return false;
  for (let at = end - 1; at >= start; at -= 1) if (isIn(text.charCodeAt(at), CHARS.letter)) return false;
  return true;
}

const COMMA = 0x2c;

/** `"AWS::IAM::AccessKey": …` tells of a type. */
function isTypeName(text: string, start: number, end: number): boolean {
  return "\"'".includes(text.charAt(end)) && text.charAt(start - 1) === ":" && text.charAt(start - 2) === ":";
}

/**
 * Is what stands before an operator too short for any name that counts? Names have three characters at least. Cheap:
 * most operators of hostile texts, and of addresses, have no name.
 */
export function hasShortName(text: string, at: number): boolean {
  let end = at;
  while (end > 0 && at - end < GAP_CHARS_MAX && isGap(text.charCodeAt(end - 1))) end -= 1;
  for (let back = 1; back <= NAME_CHARS_MIN; back += 1) if (!isNameChar(text.charCodeAt(end - back))) return true;
  return false;
}

/** "pwd", "jwt", "lob". */
const NAME_CHARS_MIN = 3;

/** Space, tab, quotes, and what closes or ends an expression. */
function isGap(code: number): boolean {
  switch (code) {
    case 0x20:
    case 0x09:
    case 0x22:
    case 0x27:
    case 0x60:
    case 0x5d:
    case 0x5c:
    case 0x29:
    case 0x3f:
    case 0x7c:
      return true;
    default:
      return false;
  }
}

/** `{ "name": "API_TOKEN", "value": …`, `<add key="Password" value=…`: the name is the string before. */
function nameBeside(scan: Scan, at: number): NameWindow | null {
  const { text } = scan;
  let end = at;
  while (end > 0 && at - end < GAP_CHARS_MAX && " \t\r\n\"',".includes(text.charAt(end - 1))) end -= 1;
  const quote = text.charAt(end);
  return quote === '"' || quote === "'" ? nameBefore(scan, end) : null;
}

function isNameChar(code: number): boolean {
  return isIn(code, CHARS.urlSafe) || code === 0x2e || code === 0x20 || code === 0x09;
}

/** The last three words joined, without the type, stage or number at the end. */
function plainName(words: string): string {
  const last = words
    .split(" ")
    .filter((word) => word !== "")
    .slice(-3);
  let plain = "";
  for (const char of last.join("")) if (isIn(char.charCodeAt(0), CHARS.alnum)) plain += char;
  for (let round = 0; round < 2; round += 1) {
    while (plain !== "" && isIn(plain.charCodeAt(plain.length - 1), CHARS.digit)) plain = plain.slice(0, -1);
    const suffix = suffixesOf(plain.charAt(plain.length - 1)).find(
      (word) => plain.endsWith(word) && plain.length > word.length,
    );
    if (suffix !== undefined) plain = plain.slice(0, -suffix.length);
  }
  return plain;
}

export function isCredentialName({ plain }: NameWindow): boolean {
  return endsInOneOf(plain, CREDENTIAL_ENDINGS) && !isHarmless(plain);
}

/** What has a key and no secret: tables, caches, keyboards, cryptography in the open. */
const HARMLESS_KEYS: readonly string[] = [
  "primary foreign public pub cache sort partition row group object map hash index lookup bucket unique natural shard",
  "idempotency dedup dedupe schema sequence entity item host search file store meta sub parent child composite config",
  "state query routing context type label tag field column option translation message locale i18n etag hot mon tur don",
  "registry node document asset test anchor storekit press arrow enter escape shift control react list vue default",
].flatMap((words) => words.split(" "));

/** A key, and none of those: strong evidence in the value makes it a credential. */
export function isKeyName({ plain, words }: NameWindow): boolean {
  // "the key" is a word; "acme_key" is a name.
  if (!plain.endsWith("key") || /(?:^|\s)key\s*$/.test(words.slice(-8))) return false;
  return !HARMLESS_KEYS.some((word) => plain.endsWith(`${word}key`));
}

/** Names whose values are UUIDs as often as not; `credentials: <uuid>` is a reference. */
const UUID_ENDINGS: readonly string[] =
  "apikey token secret secretkey accesskey authkey authorization password licensekey privatekey appkey".split(" ");

/** May a UUID be the credential that has this name? */
export function isUuidName({ plain }: NameWindow): boolean {
  return UUID_ENDINGS.some((ending) => plain.endsWith(ending)) && !isHarmless(plain);
}

function isHarmless(plain: string): boolean {
  return HARMLESS_ENDINGS.some((ending) => plain.endsWith(ending));
}

export function isPasswordName({ plain, written }: NameWindow): boolean {
  const ending = PASSWORD_ENDINGS.find((word) => plain.endsWith(word));
  if (ending === undefined || isHarmless(plain)) return false;
  if (ending.length > 4) return true;
  // "pass" and "pwd" end ordinary words too: ask for a separator or a capital before them.
  const before = written.length - ending.length - 1;
  return (
    before < 0 || !isIn(written.charCodeAt(before), CHARS.lower) || isIn(written.charCodeAt(before + 1), CHARS.upper)
  );
}

/** NuGet's `ClearTextPassword`: whatever it has is the password. */
export function isClearTextName({ plain }: NameWindow): boolean {
  return plain.endsWith("cleartextpassword");
}

function endsInOneOf(plain: string, endings: readonly string[]): boolean {
  if (BY_ENDING_PAIR.size === 0) {
    for (const ending of endings) {
      const pair = ending.slice(-2);
      BY_ENDING_PAIR.set(pair, [...(BY_ENDING_PAIR.get(pair) ?? []), ending]);
    }
  }
  return (BY_ENDING_PAIR.get(plain.slice(-2)) ?? []).some((ending) => plain.endsWith(ending));
}
