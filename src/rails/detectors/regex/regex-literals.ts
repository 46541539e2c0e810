/**
 * Decides which strings a text must hold for a pattern to match in it, so that most texts never meet the pattern.
 *
 * Model. Of a sequence, every literal run that is not optional must stand in the match; of a group, one run of
 * each of its alternatives. All of that is asked for, in lower case on both sides, so it holds whatever the flags
 * are. What this reader does not know ends a run or makes it say nothing; it never says too much. RE2 itself does
 * the same for patterns that mind case (and then faster); those that do not are what it walks every character
 * for. Source: Cox, "Regular Expression Matching with a Trigram Index". Rejected: the library's syntax tree,
 * which is no part of its interface.
 */

/** Shorter strings stand in nearly every text. */
const LITERAL_CHARS_MIN = 3;

/** Strings of one set; each is looked for in the text. */
export const LITERALS_MAX = 16;

/** Groups inside groups that are read. */
const DEPTH_MAX = 16;

/** Of each of these sets one string, in lower case ASCII, is in every text that matches. Empty: nothing can be said. */
export type Required = readonly (readonly string[])[];

export function requiredLiterals(pattern: string): Required {
  // What comes between these marks is read by other rules.
  if (pattern.includes("\\Q") || pattern.includes("(?#")) return [];
  const reader: Reader = { pattern, at: 0 };
  const found = alternatives(reader, 0);
  return reader.at === pattern.length ? found.filter((set) => weightOf(set) >= LITERAL_CHARS_MIN) : [];
}

/**
 * May a text hold what is required. `lower` is the text in lower case; the long s, which matches an "s" in any case, is
 * the one letter whose lower case does not say so.
 */
export function mayHold(lower: string, required: Required): boolean {
  const isThere = (literal: string): boolean => lower.includes(literal);
  return required.every((set) => set.some(isThere)) || lower.includes("\u017f");
}

type Reader = { readonly pattern: string; at: number };

/** Up to a closing parenthesis or the end. Of several alternatives, each says one set, and together they are one. */
function alternatives(reader: Reader, depth: number): Required {
  const first = sequence(reader, depth);
  if (reader.pattern.charAt(reader.at) !== "|") return first;
  let all: readonly string[] | null = bestOf(first);
  while (reader.pattern.charAt(reader.at) === "|") {
    reader.at += 1;
    const next = bestOf(sequence(reader, depth));
    all = all === null || next === null ? null : [...all, ...next];
  }
  return all === null || all.length > LITERALS_MAX ? [] : [all];
}

function bestOf(required: Required): readonly string[] | null {
  return required.toSorted((one, other) => weightOf(other) - weightOf(one))[0] ?? null;
}

function sequence(reader: Reader, depth: number): Required {
  const { pattern } = reader;
  const required: (readonly string[])[] = [];
  let run = "";
  while (reader.at < pattern.length && !"|)".includes(pattern.charAt(reader.at))) {
    const char = pattern.charAt(reader.at);
    const literal = literalAt(reader);
    let group: Required = [];
    if (literal === null && char === "(") {
      if (depth < DEPTH_MAX) group = groupAt(reader, depth);
      else reader.at = pattern.length + 1;
    } else if (literal === null) skipOne(reader);
    const repeated = pattern.charAt(reader.at);
    const isOptional = repeated !== "" && "*?{".includes(repeated);
    if (!isOptional) required.push(...group);
    if (literal !== null && !isOptional) run += literal;
    if (literal !== null && !isOptional && repeated !== "+") continue;
    if (run !== "") required.push([run]);
    run = "";
    skipRepeat(reader);
  }
  if (run !== "") required.push([run]);
  return required;
}

/** A character that stands for itself, in lower case; null: something else, and nothing is read. */
function literalAt(reader: Reader): string | null {
  const { pattern, at } = reader;
  const isEscape = pattern.charAt(at) === "\\";
  const char = pattern.charAt(isEscape ? at + 1 : at);
  const isPlain =
    char > "\u001f" && char < "\u007f" && (isEscape ? !/[A-Za-z0-9]/.test(char) : !"^$.[()|*+?{\\".includes(char));
  if (!isPlain) return null;
  reader.at = at + (isEscape ? 2 : 1);
  return char.toLowerCase();
}

/** From its opening parenthesis to behind the closing one. */
function groupAt(reader: Reader, depth: number): Required {
  const { pattern } = reader;
  reader.at += 1;
  if (pattern.charAt(reader.at) === "?") {
    const head = /^\?(?:[imsU-]*[:)]|P?<[A-Za-z0-9_]+>)/.exec(pattern.slice(reader.at, reader.at + 64));
    reader.at = head === null ? pattern.length + 1 : reader.at + head[0].length;
    if (head?.[0].endsWith(")") === true) return [];
  }
  const found = alternatives(reader, depth + 1);
  if (pattern.charAt(reader.at) === ")") reader.at += 1;
  else reader.at = pattern.length + 1;
  return found;
}

/** A class, an escape, an anchor or a letter beyond ASCII. */
function skipOne(reader: Reader): void {
  const { pattern } = reader;
  const char = pattern.charAt(reader.at);
  if (char === "[") {
    // A bracket right behind the opening one, or behind its "^", is a member; so are named classes.
    let at = reader.at + (pattern.charAt(reader.at + 1) === "^" ? 2 : 1);
    for (let isFirst = true; at < pattern.length && (isFirst || pattern.charAt(at) !== "]"); isFirst = false) {
      if (pattern.startsWith("[:", at))
        at = pattern.includes(":]", at) ? pattern.indexOf(":]", at) + 1 : pattern.length;
      else if (pattern.charAt(at) === "\\") at += 1;
      at += 1;
    }
    reader.at = at + 1;
    return;
  }
  reader.at += char === "\\" ? 2 : 1;
  // \\x{10ffff} and \\p{Greek}: the braces belong to the escape.
  if (char !== "\\") return;
  const name = pattern.charAt(reader.at - 1);
  if (/[xpP]/.test(name) && pattern.charAt(reader.at) === "{") {
    reader.at = pattern.includes("}", reader.at) ? pattern.indexOf("}", reader.at) + 1 : pattern.length + 1;
  } else if (name === "x") reader.at += 2;
  else if (/[pP]/.test(name)) reader.at += 1;
  else if (/[0-9]/.test(name)) while (/[0-9]/.test(pattern.charAt(reader.at))) reader.at += 1;
}

function skipRepeat(reader: Reader): void {
  const { pattern } = reader;
  const char = pattern.charAt(reader.at);
  if (char === "" || !"*+?{".includes(char)) return;
  const close = char === "{" ? pattern.indexOf("}", reader.at) : reader.at;
  reader.at = close < 0 ? pattern.length + 1 : close + 1;
  if (pattern.charAt(reader.at) === "?") reader.at += 1;
}

/** Length of the shortest: by it a set says more or less. */
function weightOf(literals: readonly string[]): number {
  return Math.min(...literals.map(({ length }) => length));
}
