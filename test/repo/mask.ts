/**
 * Blanks what is not code: comments, the text of strings and templates, and regular expressions become spaces, so that
 * a rule can search the rest for tokens. Length and line breaks stay, so that an offset means the same in both texts.
 *
 * A small scanner instead of a parser: the rules look for tokens, and TypeScript 7 has no stable parser API. Its one
 * heuristic is where a slash starts a regular expression: after an operator or a keyword, not after a value.
 */
export function maskSource(text: string): string {
  const out = text.split("");
  const blank = (from: number, to: number) => {
    for (let at = from; at < to; at += 1) if (out[at] !== "\n") out[at] = " ";
  };
  // Depth of braces inside each template substitution that is open.
  const substitutions: number[] = [];
  let at = 0;
  while (at < text.length) {
    const two = text.slice(at, at + 2);
    const char = text.charAt(at);
    let end = at + 1;
    if (two === "//" || two === "/*") {
      end = commentEnd(text, at, two);
      blank(at, end);
    } else if (char === '"' || char === "'") {
      end = quotedEnd(text, at, char);
      blank(at + 1, end - 1);
    } else if (char === "/" && startsRegex(out, at)) {
      end = regexEnd(text, at);
      blank(at + 1, end - 1);
    } else if (char === "`" || (char === "}" && substitutions.at(-1) === 0)) {
      if (char === "}") substitutions.pop();
      end = templatePartEnd(text, at);
      if (text.charAt(end - 1) === "{") substitutions.push(0);
      blank(at + 1, end - (text.charAt(end - 1) === "{" ? 2 : 1));
    } else if (substitutions.length > 0 && (char === "{" || char === "}")) {
      substitutions.push((substitutions.pop() ?? 0) + (char === "{" ? 1 : -1));
    }
    at = end;
  }
  return out.join("");
}

function commentEnd(text: string, start: number, opening: string): number {
  const found = opening === "//" ? text.indexOf("\n", start) : text.indexOf("*/", start + 2) + 2;
  return found < start + 2 ? text.length : found;
}

/** One past the closing quote, or the end of the line when there is none. */
function quotedEnd(text: string, start: number, quote: string): number {
  let at = start + 1;
  while (at < text.length && text.charAt(at) !== quote && text.charAt(at) !== "\n")
    at += text.charAt(at) === "\\" ? 2 : 1;
  return at + 1;
}

/** One past the closing backtick, or one past the opening of the next substitution. */
function templatePartEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length) {
    if (text.charAt(at) === "`") return at + 1;
    if (text.startsWith("${", at)) return at + 2;
    at += text.charAt(at) === "\\" ? 2 : 1;
  }
  return text.length;
}

function regexEnd(text: string, start: number): number {
  let inClass = false;
  let at = start + 1;
  while (at < text.length && text.charAt(at) !== "\n") {
    const char = text.charAt(at);
    if (char === "/" && !inClass) return at + 1;
    if (char === "[") inClass = true;
    if (char === "]") inClass = false;
    at += char === "\\" ? 2 : 1;
  }
  return at;
}

const beforeRegex =
  /(?:^|[-+*%=<>!&|^~?:;,({[\u007d]|=>|\b(?:return|typeof|case|in|of|void|delete|throw|await|yield|else|do))\s*$/;

/** How far back a keyword can stand, blanks included. */
const LOOK_BACK_CHARS = 200;

function startsRegex(out: readonly string[], at: number): boolean {
  return beforeRegex.test(out.slice(Math.max(0, at - LOOK_BACK_CHARS), at).join(""));
}
