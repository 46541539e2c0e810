/**
 * What an endpoint is told beside the body, as texts for the rails: the target, where a client has a say in it, and the
 * values of the headers that go on. Engines read prompts from a query, and workers read headers.
 *
 * A name of a header before its value would make a key of every session's id, so values stand alone. The target is read
 * as it is sent (`wire/request-target.ts` has given it the one spelling), with its escapes replaced once.
 */
import { REQUEST_HEADERS, REQUEST_TARGET } from "../rails/core/rail.ts";
import type { TextPart } from "../rails/core/rail.ts";
import type { HeaderRecord } from "../wire/headers.ts";

/** `path`: with its query, as it is sent. `isOwnPath`: the router's own, which nobody writes into. */
export function besideOf(path: string, isOwnPath: boolean, headers: HeaderRecord): readonly TextPart[] {
  const texts: TextPart[] = [];
  if (!isOwnPath) texts.push({ path: REQUEST_TARGET, role: "user", text: targetText(path) });
  const values = Object.values(headers).join("\n");
  if (values !== "") texts.push({ path: REQUEST_HEADERS, role: "parameter", text: values });
  return texts;
}

/** One line for the path, and one for each member of the query. */
function targetText(target: string): string {
  const [path = "", ...query] = target.split("?");
  return [path, ...query.join("?").replaceAll("+", " ").split("&")].map(unescaped).join("\n");
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // No UTF-8: the rails replace what of it is ASCII.
    return text;
  }
}
