/**
 * Decides what the text of `warmpath.jsonc` says, for who need not know where: an isolate that starts.
 *
 * Model. Comments and trailing commas are taken out, and the rest is JSON for the platform. It takes what `config-text.ts`
 * takes, and nothing else; a property test holds both to that. What is wrong with a text, and where, only that one says:
 * a Worker loads it, and the parser behind it, when its config is wrong.
 * Rejected: that parser for every isolate, which is 5 KB gzipped at start and takes several times as long.
 */
import { CONFIG_CHARS_MAX, CONFIG_DEPTH_MAX } from "./config-bounds.ts";
import { hasRepeatedMembers } from "../rails/core/text/repeated-members.ts";

/** Undefined, which no JSON is: the text is not a config's. */
export function readValue(source: string): unknown {
  if (source.length > CONFIG_CHARS_MAX) return undefined;
  // Some editors write a byte order mark.
  const text = withoutTrailingCommas(withoutComments(source.startsWith("\uFEFF") ? source.slice(1) : source));
  try {
    const value = JSON.parse(text) as unknown;
    return isUsable(value, 0) && !hasRepeatedMembers(text, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const STRING = String.raw`"[^"\\]*(?:\\[^][^"\\]*)*"`;
const STRINGS_AND_COMMENTS = new RegExp(String.raw`${STRING}|//[^\r\n]*|/\*[^]*?\*/`, "g");
const STRINGS_AND_LAST_COMMAS = new RegExp(String.raw`${STRING}|,(?=[ \t\r\n]*[}\]])`, "g");

const withoutComments = (text: string): string =>
  text.replace(STRINGS_AND_COMMENTS, (found) => (found.startsWith('"') ? found : " "));

function withoutTrailingCommas(text: string): string {
  return text.replace(STRINGS_AND_LAST_COMMAS, (found, offset: number) =>
    found === "," && isBehindValue(text, offset) ? " " : found,
  );
}

/** Only such a comma may be left out: "[,]" is no list. */
function isBehindValue(text: string, offset: number): boolean {
  let at = offset - 1;
  while (" \t\r\n".includes(text.charAt(at)) && at >= 0) at -= 1;
  return at >= 0 && !"[{,:".includes(text.charAt(at));
}

function isUsable(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth >= CONFIG_DEPTH_MAX || Object.hasOwn(value, "__proto__")) return false;
  return Object.values(value).every((inner) => isUsable(inner, depth + 1));
}
