/** Decides which function a rail of the config is, for rails that run inside the isolate; and whether it can run at all. */
import { injectionRail } from "./detectors/injection/injection.ts";
import { linksRail } from "./detectors/links/links.ts";
import { piiRail } from "./detectors/pii/pii.ts";
import type { RailFindings, RailInput } from "./core/rail.ts";
import { secretsRail } from "./detectors/secrets/secrets.ts";
import { sizeRail } from "./detectors/size/size.ts";
import { tokensRail } from "./detectors/tokens/tokens.ts";
import { topicsRail } from "./detectors/topics/topics.ts";
import { unicodeRail } from "./detectors/unicode/unicode.ts";
import type { InputRailConfig } from "../config/config.ts";
import { profanityRail } from "./detectors/profanity/profanity.ts";
import { checkRegexOptions, regexRail } from "./detectors/regex/regex.ts";
import { checkSchema, findSchemaFaults } from "./detectors/schema/schema.ts";
import type { InputRequest } from "./check.ts";

export type InsideRail = (input: RailInput, request: InputRequest) => RailFindings;

/** What the operator has to change, in one sentence; null if the rail can run. */
export function insideProblem(rail: InputRailConfig): string | null {
  if (rail.use === "regex") return checkRegexOptions(rail.options);
  if (rail.use === "schema") return checkSchema(rail.options.schema);
  return null;
}

/** null: this rail asks somebody outside. */
export function insideRail(rail: InputRailConfig): InsideRail | null {
  switch (rail.use) {
    case "size":
      return (input) => sizeRail(input, rail.options);
    case "tokens":
      return (input) => tokensRail(input, rail.options);
    case "secrets":
      return secretsRail;
    case "pii":
      return (input) => piiRail(input, rail.options);
    case "injection":
      return (input) => injectionRail(input, rail.options);
    case "unicode":
      return unicodeRail;
    case "topics":
      return (input) => topicsRail(input, rail.options);
    case "regex":
      return (input) => regexRail(input, rail.options);
    case "profanity":
      return (input) => profanityRail(input, rail.options);
    case "links":
      return (input) => linksRail(input, rail.options);
    case "schema":
      return (_, request) => schemaFindings(rail.options, request);
    case "moderation":
    case "llama-guard":
    case "webhook":
      return null;
  }
}

function schemaFindings(options: { readonly schema: Readonly<Record<string, unknown>> }, request: InputRequest) {
  const { body, hasBody } = request;
  const isJson = typeof body === "object" && body !== null;
  // A request without a body has nothing that could keep a schema; one that is no JSON object keeps none.
  const reasons = !hasBody ? [] : isJson ? findSchemaFaults(body, options) : ["schema:json"];
  return { spans: new Map(), reasons };
}
