/**
 * Names the bound that a request's text is beyond, its option and its value: what the client, or the operator, can
 * change.
 */
import { TEXT_DEPTH_MAX, TEXT_PARTS_MAX } from "../rails/core/text/text-bounds.ts";
import type { InputRailConfig } from "../config/config.ts";

/** Null unless nothing but bounds of text was found by the rails that blocked. */
export function textLimit(
  reasons: readonly string[],
  blocking: readonly InputRailConfig[],
  poolId: string,
): string | null {
  if (blocking.some(({ use }) => use !== "size" && use !== "tokens")) return null;
  const option = (rail: string, name: string): string => `the option ${name} of the rail "${rail}" of pool "${poolId}"`;
  for (const rail of blocking) {
    const found = (reason: string) => rail.action === "block" && reasons.includes(reason);
    if (rail.use === "size") {
      const { charsMax, messagesMax } = rail.options;
      if (found("size:chars")) return beyond(`${charsMax} characters of text`, option(rail.name, "charsMax"));
      if (found("size:messages")) return beyond(`${messagesMax} messages`, option(rail.name, "messagesMax"));
    }
    if (rail.use === "tokens" && found("tokens:max")) {
      return beyond(`${rail.options.tokensMax} tokens`, option(rail.name, "tokensMax"));
    }
    if (found("size:too_many_parts")) return beyond(`${TEXT_PARTS_MAX} texts`, "as many as guardrails read");
    if (found("size:too_deep")) return beyond(`${TEXT_DEPTH_MAX} levels of nesting`, "as deep as guardrails read");
  }
  return null;
}

const beyond = (bound: string, source: string): string =>
  `The request has more than ${bound} (${source}). Send a shorter one.`;
