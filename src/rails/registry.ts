/**
 * The table of rails: what each is made of, on a request and on an answer. A rail is a folder (`detectors/` or a file
 * in `remote/`), a row here, and what `config/rails-schema.ts` lets an operator write.
 *
 * Model. A row has a side for each stage that the config offers its rail for; the types demand it, and a test says so
 * in words. Whoever runs rails asks the row and knows none of them by name.
 * Rejected: options and defaults in the row as well. The config is checked by programs that must not load the
 * detectors, and ranks below the rails.
 */
import type { InputRailConfig, OutputRailConfig } from "../config/config.ts";
import { readWithin, within } from "./core/budget.ts";
import type { Budget } from "./core/budget.ts";
import type { FoundSpan, RailFindings, RailInput } from "./core/rail.ts";
import { scannerOf } from "./core/stream/stream-scanner.ts";
import type { StreamScanner } from "./core/stream/stream-scanner.ts";
import type { TextForms } from "./core/text/normalise.ts";
import type { InputRequest } from "./check.ts";
import { createLeakIndex, findLeaks, hiddenTextsOf } from "./detectors/canary/canary.ts";
import { injectionRail } from "./detectors/injection/injection.ts";
import { findLinks, linksRail } from "./detectors/links/links.ts";
import { linksScanner } from "./detectors/links/stream-links.ts";
import { findPii, piiRail } from "./detectors/pii/pii.ts";
import { piiScanner } from "./detectors/pii/stream-pii.ts";
import { findProfanity, profanityRail } from "./detectors/profanity/profanity.ts";
import { profanityScanner } from "./detectors/profanity/stream-profanity.ts";
import { checkRegexOptions, findRegex, regexRail } from "./detectors/regex/regex.ts";
import { checkSchema, schemaOfAnswer, schemaOfBody } from "./detectors/schema/schema.ts";
import { findSecrets, secretsRail } from "./detectors/secrets/secrets.ts";
import { secretsScanner } from "./detectors/secrets/stream-secrets.ts";
import { sizeRail } from "./detectors/size/size.ts";
import { tokensRail } from "./detectors/tokens/tokens.ts";
import { topicsScanner } from "./detectors/topics/stream-topics.ts";
import { findTopics, topicsRail } from "./detectors/topics/topics.ts";
import { unicodeScanner } from "./detectors/unicode/stream-unicode.ts";
import { findUnicode, unicodeRail } from "./detectors/unicode/unicode.ts";

/** Reads no more than the budget, and takes from it what it reads. */
export type InsideRail = (input: RailInput, request: InputRequest, budget: Budget) => RailFindings;
export type Finder = (text: string, forms?: TextForms) => readonly FoundSpan[];

/** A rail that asks a service: its call is in `remote/outside-rails.ts`, which only what runs requests loads. */
type Outside = { readonly place: "outside" };
export type OutsideUse =
  | "moderation"
  | "llama-guard"
  | "webhook"
  | "azure-content-safety"
  | "azure-prompt-shields"
  | "bedrock-guardrails"
  | "model-armor"
  | "presidio";

export type InputSide<Config> = { readonly place: "inside"; make(config: Config): InsideRail } | Outside;

export type OutputSide<Config> =
  | {
      readonly finds: "spans";
      /** It compares with the body of the request, so it is made for each. */
      readonly isOfRequest?: true;
      find(config: Config, body: unknown): Finder;
      /** Absent: the general one, which holds back more than it must. */
      scanner?(config: Config): StreamScanner;
    }
  /** Can say nothing of a piece, and no place in the whole: types of what it finds in what the model says. */
  | { readonly finds: "types"; find(config: Config): (text: string) => readonly string[] };

type InputUse = InputRailConfig["use"];
type OutputUse = OutputRailConfig["use"];
type InputOf<Use> = Extract<InputRailConfig, { readonly use: Use }>;
type OutputOf<Use> = Extract<OutputRailConfig, { readonly use: Use }>;

type InputSideOf<Use> = Use extends OutsideUse ? Outside : Exclude<InputSide<InputOf<Use>>, Outside>;

type Row<Use> = {
  /** What the operator has to change, in one sentence; null if the rail can run. Absent: it always can. */
  problem?(config: InputOf<Use> | OutputOf<Use>): string | null;
} & (Use extends InputUse ? { readonly input: InputSideOf<Use> } : { readonly input?: never }) &
  (Use extends OutputUse ? { readonly output: OutputSide<OutputOf<Use>> } : { readonly output?: never });

const OUTSIDE: Outside = { place: "outside" };
const CUT: RailFindings = { spans: new Map(), reasons: [], isCut: true };

export const RAILS: { readonly [Use in InputUse | OutputUse]: Row<Use> } = {
  // It asks for lengths, and reads no character.
  size: {
    input: {
      place: "inside",
      make:
        ({ options }) =>
        (input) =>
          sizeRail(input, options),
    },
  },
  tokens: { input: { place: "inside", make: bind(tokensRail) } },
  secrets: {
    input: { place: "inside", make: bind((input: RailInput) => secretsRail(input)) },
    output: {
      finds: "spans",
      find: () => (text) => findSecrets(text),
      scanner: ({ action, name }) => secretsScanner(action, name),
    },
  },
  pii: {
    input: { place: "inside", make: bind(piiRail) },
    output: {
      finds: "spans",
      find: bindFind(findPii),
      scanner: ({ action, options, name }) => piiScanner(action, options, name),
    },
  },
  injection: { input: { place: "inside", make: bind(injectionRail) } },
  unicode: {
    input: { place: "inside", make: bind((input: RailInput) => unicodeRail(input)) },
    output: {
      finds: "spans",
      find: () => findUnicode,
      scanner: ({ action, name }) => unicodeScanner(action, name),
    },
  },
  topics: {
    input: { place: "inside", make: bind(topicsRail) },
    output: {
      finds: "spans",
      find: bindFind(findTopics),
      scanner: ({ action, options, name }) => topicsScanner(action, options, name),
    },
  },
  regex: {
    problem: ({ options }) => checkRegexOptions(options),
    input: {
      place: "inside",
      make:
        ({ options }) =>
        (input, _, budget) =>
          regexRail(input, options, budget),
    },
    output: { finds: "spans", find: bindFind(findRegex) },
  },
  profanity: {
    input: { place: "inside", make: bind(profanityRail) },
    output: {
      finds: "spans",
      find: bindFind(findProfanity),
      scanner: ({ action, options, name }) => profanityScanner(action, options, name),
    },
  },
  schema: {
    problem: ({ options }) => checkSchema(options.schema),
    input: {
      place: "inside",
      make:
        ({ options }) =>
        (input, { body, hasBody }, budget) =>
          // Of a part of a body a schema says nothing.
          within(input, budget).isCut ? CUT : schemaOfBody(body, hasBody, options),
    },
    output: {
      finds: "types",
      find:
        ({ options }) =>
        (text) =>
          schemaOfAnswer(text, options),
    },
  },
  links: {
    input: { place: "inside", make: bind(linksRail) },
    output: {
      finds: "spans",
      find: bindFind((text, options: Parameters<typeof findLinks>[1]) => findLinks(text, options)),
      scanner: ({ action, options, name }) => linksScanner(action, options, name),
    },
  },
  canary: {
    output: {
      finds: "spans",
      isOfRequest: true,
      find: ({ options }, body) => {
        const index = createLeakIndex([...hiddenTextsOf(body), ...options.texts], options.token);
        return (text) => findLeaks(text, index);
      },
    },
  },
  moderation: { input: OUTSIDE },
  "llama-guard": { input: OUTSIDE },
  webhook: { input: OUTSIDE },
  "azure-content-safety": { input: OUTSIDE },
  "azure-prompt-shields": { input: OUTSIDE },
  "bedrock-guardrails": { input: OUTSIDE },
  "model-armor": { input: OUTSIDE },
  presidio: { input: OUTSIDE },
};

export function inputSide(config: InputRailConfig): InputSide<InputRailConfig> {
  return RAILS[config.use].input;
}

export function outputSide(config: OutputRailConfig): OutputSide<OutputRailConfig> {
  return RAILS[config.use].output;
}

/** What the operator has to change before this rail can run; null if it can. */
export function problemOf(config: InputRailConfig | OutputRailConfig): string | null {
  const row: { problem?(config: InputRailConfig | OutputRailConfig): string | null } = RAILS[config.use];
  return row.problem?.(config) ?? null;
}

/** As it scans text that is being generated. */
export function scannerFor(
  side: Extract<OutputSide<OutputRailConfig>, { readonly finds: "spans" }>,
  config: OutputRailConfig,
  find: Finder,
): StreamScanner {
  return side.scanner?.(config) ?? scannerOf({ rail: config.name, action: config.action, find });
}

function bind<Options>(rail: (input: RailInput, options: Options) => RailFindings) {
  return ({ options }: { readonly options: Options }): InsideRail =>
    (input, _, budget) =>
      readWithin(input, budget, (readable) => rail(readable, options));
}

function bindFind<Options>(find: (text: string, options: Options, forms?: TextForms) => readonly FoundSpan[]) {
  return ({ options }: { readonly options: Options }): Finder =>
    (text, forms) =>
      find(text, options, forms);
}
