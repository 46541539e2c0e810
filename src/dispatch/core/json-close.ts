/**
 * Completes JSON that was cut off: the shortest text after which it parses.
 *
 * Model. One pass with a stack of open brackets and what may come next. What was cut stays as far as it came: a string
 * ends where it was cut, a number gets the digit that it lacks, a key gets null. Rejected: to parse shorter and shorter
 * prefixes, which is quadratic and cannot take back what the client already has.
 */

/** `key`: after `{` or a comma in an object. `comma`: after a value. */
type Next = "key" | "colon" | "value" | "comma";

type Scan = {
  readonly open: ("{" | "[")[];
  next: Next;
  /** Nothing has come since the bracket. */
  isFresh: boolean;
  /** The outermost object has no member yet. */
  isEmpty: boolean;
  /** Text of a string since its quote, or of a number or word; null outside. */
  string: string | null;
  isKey: boolean;
  word: string;
};

/**
 * The rest of an object of which `text` is the beginning, with last members (`"name":value` as text) put into it; ""
 * when the object is complete, and then nothing is put in; null when `text` begins no object.
 */
export function closeJson(text: string, lastMember: string | null): string | null {
  const scan: Scan = { open: [], next: "value", isFresh: false, isEmpty: true, string: null, isKey: false, word: "" };
  for (const [at, char] of [...text].entries()) {
    if (!step(scan, char)) return null;
    if (scan.open.length > 0 || scan.string !== null || scan.word !== "" || /\s/.test(char)) continue;
    // The object is complete; only space may follow.
    return [...text]
      .slice(at + 1)
      .join("")
      .trim() === ""
      ? ""
      : null;
  }
  const [outermost] = scan.open;
  if (outermost !== "{") return null;
  const value = closeValue(scan);
  if (value === null) return null;
  const inner = scan.open.slice(1).toReversed().map(closerOf).join("");
  if (lastMember === null) return `${value}${inner}}`;
  const isEmpty = scan.isEmpty && value === "" && inner === "";
  return `${value}${inner}${isEmpty ? "" : ","}${lastMember}}`;
}

const closerOf = (opener: "{" | "["): string => (opener === "{" ? "}" : "]");

/** False when it is no JSON. */
function step(scan: Scan, char: string): boolean {
  if (scan.string !== null) return inString(scan, char, scan.string);
  if (scan.word !== "") {
    if (/[\w.+-]/.test(char)) {
      scan.word += char;
      return true;
    }
    scan.word = "";
    scan.next = "comma";
  }
  if (/[ \t\n\r]/.test(char)) return true;
  switch (scan.next) {
    case "colon":
      scan.next = "value";
      return char === ":";
    case "comma":
      return afterValue(scan, char);
    case "key":
      if (char === "}" && scan.isFresh) return closed(scan, char);
      return beginString(scan, char, true);
    case "value":
      if (char === "]" && scan.isFresh) return closed(scan, char);
      return beginValue(scan, char);
  }
}

function inString(scan: Scan, char: string, string: string): boolean {
  if (char !== '"' || pendingEscape(string) !== "") {
    scan.string = string + char;
    return true;
  }
  scan.string = null;
  scan.next = scan.isKey ? "colon" : "comma";
  return true;
}

function afterValue(scan: Scan, char: string): boolean {
  if (char !== ",") return closed(scan, char);
  scan.isFresh = false;
  scan.next = scan.open.at(-1) === "{" ? "key" : "value";
  return scan.open.length > 0;
}

function closed(scan: Scan, char: string): boolean {
  const opener = scan.open.pop();
  scan.next = "comma";
  return opener !== undefined && closerOf(opener) === char;
}

function beginString(scan: Scan, char: string, isKey: boolean): boolean {
  scan.string = "";
  scan.isKey = isKey;
  scan.isFresh = false;
  scan.isEmpty = false;
  return char === '"';
}

function beginValue(scan: Scan, char: string): boolean {
  if (char === '"') return beginString(scan, char, false);
  scan.isFresh = char === "{" || char === "[";
  if (char === "{" || char === "[") {
    scan.open.push(char);
    scan.next = char === "{" ? "key" : "value";
    return true;
  }
  scan.word = char;
  return /[-\dtfn]/.test(char);
}

/** What the value, or the key, that was cut lacks; null when it is no JSON. */
function closeValue({ string, isKey, word, next, isFresh, open }: Scan): string | null {
  if (string !== null) return `${restOfEscape(pendingEscape(string))}"${isKey ? ":null" : ""}`;
  if (word !== "") return closeWord(word);
  switch (next) {
    case "colon":
      return ":null";
    case "comma":
      return "";
    case "key":
      return isFresh ? "" : '"":null';
    case "value":
      return isFresh && open.at(-1) === "[" ? "" : "null";
  }
}

function closeWord(word: string): string | null {
  const literal = ["true", "false", "null"].find((one) => one.startsWith(word));
  if (literal !== undefined) return literal.slice(word.length);
  if (/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(word)) return "";
  return /^-?(?:\d+(?:\.\d*)?(?:[eE][+-]?)?)?$/.test(word) ? "0" : null;
}

/** The escape that the text ends within, from its backslash; "" when it ends in none. */
function pendingEscape(text: string): string {
  const [pending = ""] = /(?:^|[^\\])(?:\\\\)*(\\(?:u[\da-fA-F]{0,3})?)$/.exec(text)?.slice(1) ?? [];
  return pending;
}

function restOfEscape(pending: string): string {
  if (pending === "") return "";
  return pending === "\\" ? "\\" : "0".repeat("\\u0000".length - pending.length);
}
