/**
 * Reads string values out of Go source: what a test table of a Go project says, without a Go toolchain.
 *
 * Model. Tokens of the language's lexical grammar, then expressions of strings: literals, names that the file gives a
 * string, sums, and `fmt.Sprintf` with `%s`. What is anything else (a call, a generated sample) is no value.
 * Rejected: a pattern over the text, which a backquote in a comment misleads.
 */

export type GoToken = {
  readonly kind: "string" | "name" | "other";
  /** Of a string its value, else what is written. */
  readonly text: string;
};

const LEXEME = /\/\/[^\n]*|\/\*[^]*?\*\/|`([^`]*)`|"((?:[^"\\\n]|\\.)*)"|'(?:[^'\\\n]|\\.)*'|[A-Za-z_]\w*|:=|\S/g;

export function goTokens(source: string): GoToken[] {
  const tokens: GoToken[] = [];
  for (const [written, raw, quoted] of source.matchAll(LEXEME)) {
    if (written.startsWith("//") || written.startsWith("/*")) continue;
    if (raw !== undefined) tokens.push({ kind: "string", text: raw.replaceAll("\r", "") });
    else if (quoted !== undefined) tokens.push({ kind: "string", text: unescapeGo(quoted) });
    else tokens.push({ kind: /^[A-Za-z_]/.test(written) ? "name" : "other", text: written });
  }
  return tokens;
}

const ESCAPES: Readonly<Record<string, string>> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

function unescapeGo(quoted: string): string {
  return quoted.replace(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([0-7]{3})|(.))/gi, (...groups) => {
    const [, byte, short, long, octal, char] = groups as (string | undefined)[];
    const hex = byte ?? short ?? long;
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
    return ESCAPES[char ?? ""] ?? char ?? "";
  });
}

/** Strings by the names that a file gives them. */
export type GoNames = ReadonlyMap<string, string>;

export function goNames(tokens: readonly GoToken[]): GoNames {
  const names = new Map<string, string>();
  for (const [at, { kind, text }] of tokens.entries()) {
    const sign = tokens[at + 1]?.text;
    if (kind !== "name" || (sign !== "=" && sign !== ":=") || tokens[at + 1]?.kind === "string") continue;
    const { value } = goString(tokens, at + 2, names);
    if (value !== null && !names.has(text)) names.set(text, value);
  }
  return names;
}

type Read = { readonly value: string | null; readonly next: number };

/** The expression at `at` and where it ends; its value is null if it is no string that can be told. */
export function goString(tokens: readonly GoToken[], at: number, names: GoNames): Read {
  let { value, next } = goTerm(tokens, at, names);
  while (isSign(tokens[next], "+")) {
    const more = goTerm(tokens, next + 1, names);
    value = value === null || more.value === null ? null : value + more.value;
    next = more.next;
  }
  return { value, next };
}

function goTerm(tokens: readonly GoToken[], at: number, names: GoNames): Read {
  const token = tokens[at];
  if (token?.kind === "string") return { value: token.text, next: at + 1 };
  if (token?.kind !== "name") return { value: null, next: at + 1 };
  let next = at + 1;
  let path = token.text;
  while (isSign(tokens[next], ".")) {
    path += `.${tokens[next + 1]?.text ?? ""}`;
    next += 2;
  }
  if (!isSign(tokens[next], "(")) return { value: names.get(path) ?? null, next };
  const { values, next: after } = goList(tokens, next, names);
  return { value: path === "fmt.Sprintf" ? sprintf(values) : null, next: after };
}

function sprintf([format, ...values]: readonly (string | null)[]): string | null {
  if (format === null || format === undefined || values.includes(null)) return null;
  const places = format.match(/%[sv]/g)?.length ?? 0;
  if (places !== values.length || /%[^sv%]/.test(format)) return null;
  let used = 0;
  return format.replace(/%[sv%]/g, (place) => (place === "%%" ? "%" : (values[used++] ?? "")));
}

const CLOSING: Readonly<Record<string, string>> = { "(": ")", "{": "}", "[": "]" };

/** What stands between brackets and commas; of `key: value` the value. `at` is the opening bracket. */
export function goList(
  tokens: readonly GoToken[],
  at: number,
  names: GoNames,
): { readonly values: readonly (string | null)[]; readonly next: number } {
  const close = CLOSING[tokens[at]?.text ?? ""] ?? "";
  const values: (string | null)[] = [];
  let next = at + 1;
  while (next < tokens.length && !isSign(tokens[next], close)) {
    const read = goString(tokens, next, names);
    let value = read.value;
    const from = read.next;
    next = skipElement(tokens, value === null ? next : from, close);
    if (isSign(tokens[from], ":")) value = goString(tokens, from + 1, names).value;
    else if (next > from && value !== null) value = null;
    values.push(value);
    if (isSign(tokens[next], ",")) next += 1;
  }
  return { values, next: next + 1 };
}

/** The comma or the bracket that ends the element at `at`. */
function skipElement(tokens: readonly GoToken[], at: number, close: string): number {
  let depth = 0;
  let next = at;
  for (; next < tokens.length; next += 1) {
    const token = tokens[next];
    if (token === undefined || token.kind !== "other") continue;
    if (depth === 0 && (token.text === "," || token.text === close)) break;
    if ("([{".includes(token.text)) depth += 1;
    if (")]}".includes(token.text)) depth -= 1;
  }
  return next;
}

export function isSign(token: GoToken | undefined, sign: string): boolean {
  return token?.kind === "other" && token.text === sign;
}
