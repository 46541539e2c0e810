/**
 * Decides whether a word that stands where a password stands is one: in an assignment, in a URL, behind `curl -u`, and
 * in a basic authorization header.
 *
 * Model. People make passwords, so entropy says little. What counts is the place, and three kinds of characters, or the
 * many changes of a random one. A variable is none (`$PASS`, `{{ pass }}`, `<password>`), nor is a word
 * that documentation puts there.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { hasPlaceholderWord, looksRandom } from "./secret-body.ts";
import { looksNamed } from "./secret-words.ts";
import type { Scan } from "./secret-scan.ts";
import { startsWith } from "./secret-scan.ts";
import type { FoundSpan } from "../../core/rail.ts";

/** Of a password that a name is given. Below eight nobody accepts them, above 64 they are keys. */
export const PASSWORD_CHARS = { min: 8, max: 64 } as const;

/** Between "://" and the host. */
export const USERINFO_CHARS_MAX = 256;

/** Passwords of documentation; compared in lower case and whole. */
const EXAMPLE_PASSWORDS: ReadonlySet<string> = new Set(
  [
    "password pass passwd pwd secret user username admin root guest postgres mysql redis rabbitmq mongo token key apikey",
    "example changeme change-me test testing foo bar baz abc xyz 123 xxx xxxx xxxxx xxxxxx xxxxxxxx *** **** ***** ****** ********",
    "mypassword mypass yourpassword your-password your_password mysecretpassword db_password dbpassword pass123 none",
    "password1 password12 password123 password1234 secretpassword supersecret userpass hunter2 p4ssw0rd p@ssw0rd null",
    "api_token api-token api_key api-key access_token access-token my-token yourtoken your-token mytoken ... undefined",
    "oauth2 oauth2accesstoken x-oauth-basic x-access-token x-token-auth minioadmin string letmein qwerty 12345678 1234",
  ].flatMap((words) => words.split(" ")),
);

/** A word for the thing itself, and a number. */
const EXAMPLE_FORM = /^(?:pass|password|passwd|pwd|user|test|secret|admin)\d*$/;

const EXAMPLE_PARTS: readonly string[] = "password passwd changeme letmein qwerty 123456 abc123".split(" ");

/**
 * Where the password that begins at `at` ends; null if it is not followed by what ends one or has no fitting length.
 */
export function passwordEnd(scan: Scan, at: number, quote: string): number | null {
  const { text, meter } = scan;
  let end = quote === "" ? bareEnd(scan, at) : at;
  if (quote !== "") {
    const quoteCode = quote.charCodeAt(0);
    while (end - at <= PASSWORD_CHARS.max && isPrintable(text.charCodeAt(end)) && text.charCodeAt(end) !== quoteCode) {
      end += 1;
    }
    meter.steps += end - at + 1;
  }
  if (end - at < PASSWORD_CHARS.min || end - at > PASSWORD_CHARS.max) return null;
  if (quote !== "") return text.charAt(end) === quote ? end : null;
  // A call, or an element.
  if (text.charAt(end) === "(" || text.charAt(end) === "[") return null;
  // A sentence or a list may end behind it.
  while (end > at && ",;.".includes(text.charAt(end - 1))) end -= 1;
  return end - at < PASSWORD_CHARS.min ? null : end;
}

/** Where the run of what an unquoted password is made of ends; each run is measured once. */
function bareEnd({ text, meter, passwordRun }: Scan, at: number): number {
  if (at >= passwordRun.start && at <= passwordRun.end) return passwordRun.end;
  let end = at;
  while (isPrintable(text.charCodeAt(end)) && !ENDS_PASSWORD.has(text.charCodeAt(end))) end += 1;
  meter.steps += end - at + 1;
  passwordRun.start = at;
  passwordRun.end = end;
  return end;
}

/** Quotes, brackets, a backslash, "&" and ";". */
const ENDS_PASSWORD: ReadonlySet<number> = new Set(Array.from("\"'`<>()[]{}\\&;", (char) => char.charCodeAt(0)));

function isPrintable(code: number): boolean {
  return code > 0x20 && code < 0x7f;
}

/** Three kinds of characters with a digit among them, or a random look; no variable, no example. */
export function isPassword(scan: Scan, from: number, to: number): boolean {
  const { text, meter } = scan;
  const word = text.slice(from, to);
  meter.steps += to - from;
  if (isVariable(word) || isExample(word) || hasPlaceholderWord(scan, from, to)) return false;
  if (EXAMPLE_PARTS.some((part) => word.toLowerCase().includes(part))) return false;
  // Paths, calls and members of code.
  if (HEX_CONSTANT.test(word) || (word.includes("/") && looksNamed(scan, from, to))) return false;
  // Bytes written as escapes, in a test.
  if (word.startsWith("\\x") || word.startsWith("\\u")) return false;
  if (word.includes("://") || word.includes("(") || word.startsWith("/") || isMember(word)) return false;
  let kinds = 0;
  for (let at = 0; at < word.length; at += 1) kinds |= kindOf(word.charCodeAt(at));
  const count = [CHARS.digit, CHARS.upper, CHARS.lower, OTHER].filter((kind) => (kinds & kind) !== 0).length;
  if ((kinds & CHARS.digit) === 0) return count >= 3 && word.length >= 10 && looksRandom(scan, from, to, false);
  return (count >= 3 && !isVersion(word)) || looksRandom(scan, from, to, true);
}

const OTHER = 1 << 21;

function kindOf(code: number): number {
  if (isIn(code, CHARS.digit)) return CHARS.digit;
  if (isIn(code, CHARS.upper)) return CHARS.upper;
  if (isIn(code, CHARS.lower)) return CHARS.lower;
  // Between words, not signs.
  return isIn(code, CHARS.quotedValue) ? 0 : OTHER;
}

const HEX_CONSTANT = /^0x[0-9a-f]+$/i;

/** `config.password2`, `this.pass`: letters, a dot, letters. */
function isMember(word: string): boolean {
  const dot = word.indexOf(".");
  if (dot <= 0 || dot + 1 >= word.length) return false;
  return isIn(word.charCodeAt(dot - 1), CHARS.letter) && isIn(word.charCodeAt(dot + 1), CHARS.letter) && isPlain(word);
}

function isPlain(word: string): boolean {
  for (let at = 0; at < word.length; at += 1) {
    if (!isIn(word.charCodeAt(at), CHARS.word) && word.charAt(at) !== ".") return false;
  }
  return true;
}

/** Digits, dots and dashes with a letter or two: "v1.2.3-rc.4", "2024-01-15T10:00". */
function isVersion(word: string): boolean {
  let others = 0;
  for (let at = 0; at < word.length; at += 1) {
    const code = word.charCodeAt(at);
    if (!isIn(code, CHARS.digit) && !".-:".includes(word.charAt(at))) others += 1;
  }
  return others * 3 <= word.length;
}

/** Something that a program fills in later. */
function isVariable(word: string): boolean {
  if (word !== "" && "$%<{[*@".includes(word.charAt(0))) return true;
  return (
    word.includes("&lt;") ||
    word.includes("${") ||
    word.includes("{{") ||
    word.includes("$(") ||
    word.endsWith(">") ||
    word.endsWith("}")
  );
}

function isExample(word: string): boolean {
  const lower = word.toLowerCase();
  return (
    EXAMPLE_PASSWORDS.has(lower) ||
    EXAMPLE_FORM.test(lower) ||
    (word !== "" && [...word].every((char) => char === word.charAt(0)))
  );
}

/**
 * `at` is the colon of "://": a user, a colon, a password, and "@" before the host ends. The finding is the password.
 */
export function matchUserinfo(scan: Scan, at: number): FoundSpan | null {
  const { text, meter } = scan;
  const from = at + "://".length;
  let colon = -1;
  let end = from;
  let host = -1;
  for (; end - from <= USERINFO_CHARS_MAX && !endsAuthority(text, end); end += 1) {
    if (text.charAt(end) === ":" && colon === -1) colon = end;
    if (text.charAt(end) === "@") host = end;
  }
  meter.steps += end - from + 1;
  if (colon === -1 || host <= colon + 3) return null;
  const [user, word] = [text.slice(from, colon), text.slice(colon + 1, host)];
  // CVS writes its method there.
  if (user === "" && word.startsWith("pserver:")) return null;
  if (isVariable(word) || isExample(word) || hasPlaceholderWord(scan, colon + 1, host)) return null;
  // "user:user" is what examples write; two equal runs of hex are a key of a kind.
  if (user.toLowerCase() === word.toLowerCase() && !isHexEight(word)) return null;
  return { start: colon + 1, end: host, type: "url_password" };
}

function isHexEight(word: string): boolean {
  return word.length === 8 && [...word].every((char) => isIn(char.charCodeAt(0), CHARS.hex));
}

function endsAuthority(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return !(code < 0x7f) || AUTHORITY_ENDS[code] === 1;
}

const AUTHORITY_ENDS = Uint8Array.from({ length: 128 }, (_, code) =>
  Number(code <= 0x20 || "/\"'`<>?#\\,".includes(String.fromCharCode(code))),
);

/** How far from the word `curl` its options are looked for. */
export const CURL_CHARS_MAX = 1_024;

const CURL_USER_CHARS_MAX = 200;

/** `at` is where "-u" or "--user" begins. The finding is the password, or the name if there is none behind it. */
export function matchCurlUser(scan: Scan, at: number, option: string): FoundSpan | null {
  const { text, meter } = scan;
  if (scan.curlAt === null || at - scan.curlAt > CURL_CHARS_MAX || !startsWith(scan, option, at)) return null;
  let from = at + option.length;
  if (!" \t\"'=".includes(text.charAt(from)) || !" \t\n\r".includes(text.charAt(at - 1))) return null;
  while (from < text.length && " \t=".includes(text.charAt(from)) && from - at < 16) from += 1;
  const quote = "\"'".includes(text.charAt(from)) ? text.charAt(from) : "";
  from += quote.length;
  let end = from;
  let colon = -1;
  while (end - from <= CURL_USER_CHARS_MAX && !endsUser(text, end, quote)) {
    if (text.charAt(end) === ":" && colon === -1) colon = end;
    end += 1;
  }
  meter.steps += end - from + 1;
  if (colon === -1) return null;
  // name:'password'
  const isInner = quote === "" && end === colon + 1 && "\"'".includes(text.charAt(end));
  const start = isInner ? end + 1 : colon + 1;
  if (isInner) end = innerEnd(text, start, text.charAt(end));
  meter.steps += end - start;
  const [user, word] = [text.slice(from, colon), text.slice(start, end)];
  if (word.length >= 3) {
    const isReal = !isVariable(word) && !isExample(word) && !hasPlaceholderWord(scan, start, end);
    return isReal ? { start, end, type: "curl_user" } : null;
  }
  const isReal = user.length >= 12 && !isVariable(user) && looksRandom(scan, from, colon, false);
  return isReal ? { start: from, end: colon, type: "curl_user" } : null;
}

function innerEnd(text: string, from: number, quote: string): number {
  let end = from;
  while (end - from <= CURL_USER_CHARS_MAX && !endsUser(text, end, quote)) end += 1;
  return end;
}

function endsUser(text: string, at: number, quote: string): boolean {
  const code = text.charCodeAt(at);
  if (!(code >= 0x20 && code < 0x7f)) return true;
  return quote === "" ? code === 0x20 || "\"'\\`".includes(text.charAt(at)) : text.charAt(at) === quote;
}

const BASIC_CHARS = { min: 8, max: 512 } as const;
const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Of the characters of a name and a password in base64. */
const STRANGE_SHARE_MAX = 0.05;

/** Does the value of a basic authorization header, decoded, hold a user, a colon and a password. */
export function isBasicValue({ text, meter }: Scan, from: number, to: number): boolean {
  if (to - from < BASIC_CHARS.min || to - from > BASIC_CHARS.max) return false;
  meter.steps += to - from;
  let decoded = "";
  let bits = 0;
  for (let at = from; at < to && text.charAt(at) !== "="; at += 1) {
    bits = ((bits & 0x3ffff) << 6) | BASE64.indexOf(text.charAt(at));
    const filled = (at - from) % 4;
    if (filled > 0) decoded += String.fromCharCode((bits >> (6 - 2 * filled)) & 0xff);
  }
  const colon = decoded.indexOf(":");
  const strange = [...decoded].filter((char) => char < " " || char > "~").length;
  // Passwords in other alphabets are rare, and bytes of what is no name and password are strange all over.
  if (colon === -1 || strange > STRANGE_SHARE_MAX * decoded.length) return false;
  const [user, word] = [decoded.slice(0, colon), decoded.slice(colon + 1)];
  const isDocumentation = isExample(word) && (user === "" || isExample(user));
  return !isDocumentation && !isVariable(word) && user.length + word.length >= 4;
}
