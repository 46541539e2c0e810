/**
 * The rails that `npm run eval:rails` can measure, by name: those that judge a text by themselves, inside the isolate.
 *
 * Model. A rail is called as in a request, with the text as the only message of a user, and with the options of its
 * default. Rails that say nothing without an operator's list read it from `{rail}.json` beside the sets. What keeps
 * a rule to the letter (`size`, `tokens`, `schema`) makes no judgement to measure, and a leak needs more than the text.
 * Rejected: calling the `find…` functions, which would measure something else than what a request meets.
 */
import { injectionRail } from "../../src/rails/detectors/injection/injection.ts";
import { linksRail } from "../../src/rails/detectors/links/links.ts";
import type { LinkOptions } from "../../src/rails/detectors/links/links.ts";
import { PII_ENTITIES, PII_ENTITIES_DEFAULT, piiRail } from "../../src/rails/detectors/pii/pii.ts";
import type { FoundSpan, RailFindings, RailInput } from "../../src/rails/core/rail.ts";
import { secretsRail } from "../../src/rails/detectors/secrets/secrets.ts";
import { topicsRail } from "../../src/rails/detectors/topics/topics.ts";
import type { TopicOptions } from "../../src/rails/detectors/topics/topics.ts";
import { unicodeRail } from "../../src/rails/detectors/unicode/unicode.ts";
import { err, ok, type Result } from "../../src/lib/result.ts";
import { profanityRail } from "../../src/rails/detectors/profanity/profanity.ts";
import { checkRegexOptions, regexRail } from "../../src/rails/detectors/regex/regex.ts";
import type { RegexOptions, RegexPattern } from "../../src/rails/detectors/regex/regex.ts";
import { isObject } from "../../src/lib/json-object.ts";

export type TextFindings = {
  readonly isFound: boolean;
  readonly spans: readonly FoundSpan[];
  readonly reasons: readonly string[];
};

export type EvalRail = {
  readonly inspect: (text: string, role: string) => TextFindings;
  /**
   * How spans are compared: by range and type; by range, and by type only where the set uses the rail's own names
   * (which are finer than those of most sets); or only whether there is any, because the range is a guess.
   */
  readonly spans: "typed" | "ranges" | "presence";
  /** The rail's name for what a set calls `type`. */
  readonly ownType: (type: string) => string;
  /** Types of the set that the rail never finds. */
  readonly strangeTypes: readonly string[];
};

/**
 * What a rail may be made from: the content of `{rail}.json` (undefined: no such file) and the types that a set has.
 */
export type RailGiven = { readonly options: unknown; readonly types: readonly string[] };

/** `options` is "needed" where the rail finds nothing without them. */
type KnownRail = {
  readonly options: "none" | "optional" | "needed";
  readonly make: (given: RailGiven) => Result<EvalRail, string>;
};

/** Names of public data sets for what the rail calls otherwise. */
const PII_NAMES: ReadonlyMap<string, string> = new Map([
  ["credit_card", "card"],
  ["email_address", "email"],
  ["iban_code", "iban"],
  ["ip_address", "ip"],
  ["phone_number", "phone"],
  ["us_ssn", "ssn"],
  ["us_itin", "itin"],
  ["uk_nino", "nino"],
  ["mac_address", "mac"],
  ["crypto", "wallet"],
]);

const RAILS: ReadonlyMap<string, KnownRail> = new Map<string, KnownRail>([
  ["injection", { options: "none", make: () => ok(railOf(injectionRail, "presence")) }],
  ["links", { options: "optional", make: makeLinks }],
  ["pii", { options: "none", make: makePii }],
  ["profanity", { options: "none", make: () => ok(railOf(profanityRail, "ranges")) }],
  ["regex", { options: "needed", make: makeRegex }],
  ["secrets", { options: "none", make: () => ok(railOf(secretsRail, "ranges")) }],
  ["topics", { options: "needed", make: makeTopics }],
  ["unicode", { options: "none", make: () => ok(railOf(unicodeRail, "ranges")) }],
]);

/** In alphabetical order. */
export const RAIL_NAMES: readonly string[] = [...RAILS.keys()];

/** Whether a rail by this name reads `{rail}.json`, and whether it can do without; null: there is no such rail. */
export function optionsOf(rail: string): KnownRail["options"] | null {
  return RAILS.get(rail)?.options ?? null;
}

/** The rail, or what is wrong with its options. */
export function makeRail(rail: string, given: RailGiven): Result<EvalRail, string> {
  return RAILS.get(rail)?.make(given) ?? err(`there is no rail ${rail}`);
}

function railOf(rail: (input: RailInput) => RailFindings, spans: EvalRail["spans"]): EvalRail {
  const inspect = (text: string, role: string): TextFindings => {
    const found = rail({ parts: [{ path: "text", role, text }], messageCount: 1, unseen: [] });
    const isFound = found.reasons.length > 0 || found.spans.size > 0;
    return { isFound, spans: found.spans.get("text") ?? [], reasons: found.reasons };
  };
  return { inspect, spans, ownType: (type) => type, strangeTypes: [] };
}

/** Beside the default, what the set labels and the rail finds on request: nobody would run it there without. */
function makePii({ types }: RailGiven): Result<EvalRail, string> {
  const ownType = (type: string): string => {
    const lower = type.toLowerCase();
    return PII_NAMES.get(lower) ?? lower;
  };
  const asked = types.map(ownType).filter((type) => PII_ENTITIES.includes(type));
  const entities = [...new Set([...PII_ENTITIES_DEFAULT, ...asked])];
  const strangeTypes = types.filter((type) => !PII_ENTITIES.includes(ownType(type)));
  return ok({ ...railOf((input) => piiRail(input, { entities }), "typed"), ownType, strangeTypes });
}

function makeTopics({ options }: RailGiven): Result<EvalRail, string> {
  const topics = isObject(options) ? options["topics"] : undefined;
  if (!isObject(topics) || !Object.values(topics).every(isStrings)) {
    return err('topics.json must be {"topics": {"name of a topic": ["word or phrase", …]}}');
  }
  const given: TopicOptions = { topics: topics as TopicOptions["topics"] };
  return ok(railOf((input) => topicsRail(input, given), "ranges"));
}

function makeRegex({ options }: RailGiven): Result<EvalRail, string> {
  const patterns: unknown = isObject(options) ? options["patterns"] : undefined;
  if (!Array.isArray(patterns) || !patterns.every(isPattern)) {
    return err('regex.json must be {"patterns": [{"name": "…", "pattern": "…", "flags": "i"}, …]}');
  }
  const given: RegexOptions = { patterns };
  const problem = checkRegexOptions(given);
  if (problem !== null) return err(`regex.json: ${problem}`);
  return ok(railOf((input) => regexRail(input, given), "ranges"));
}

function makeLinks({ options }: RailGiven): Result<EvalRail, string> {
  const { allow = [], images, links } = isObject(options) ? options : { allow: options };
  if (!isStrings(allow) || !isLinkRule(images) || !isLinkRule(links)) {
    return err('links.json must be {"allow": ["host", …], "images": "unlisted" or "carrying", "links": the same}');
  }
  const given: LinkOptions = {
    allow,
    ...(images === undefined ? {} : { images }),
    ...(links === undefined ? {} : { links }),
  };
  return ok(railOf((input) => linksRail(input, given), "ranges"));
}

function isLinkRule(value: unknown): value is LinkOptions["images"] {
  return value === undefined || value === "unlisted" || value === "carrying";
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function isPattern(value: unknown): value is RegexPattern {
  if (!isObject(value)) return false;
  const { name, pattern, flags } = value;
  return typeof name === "string" && typeof pattern === "string" && (flags === undefined || typeof flags === "string");
}
