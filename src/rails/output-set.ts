/**
 * Decides what looks at the answers of a pool: the rails of its config as scanners of pieces and as rails over whole texts.
 *
 * Model. A rail that may change or end an answer scans its pieces as they come; one that may not (`flag`, or in shadow)
 * looks at each text when it has ended, and so holds nothing back. Scanners are made once for a pool, and a list of them
 * for each choice of rails that sampling or tenants make, because tables hang on the list.
 * Rejected: scanning the pieces for flags as well, which holds text back for nothing.
 */
import { INVISIBLE, classOf } from "./core/text/code-points.ts";
import { createLeakIndex, findLeaks } from "./detectors/canary/canary.ts";
import { looksAt } from "./core/engine.ts";
import { findLinks } from "./detectors/links/links.ts";
import { findPii } from "./detectors/pii/pii.ts";
import type { FoundSpan } from "./core/rail.ts";
import { findSecrets } from "./detectors/secrets/secrets.ts";
import { linksScanner } from "./detectors/links/stream-links.ts";
import { piiScanner } from "./detectors/pii/stream-pii.ts";
import { scannerOf } from "./core/stream/stream-scanner.ts";
import type { StreamScanner } from "./core/stream/stream-scanner.ts";
import { secretsScanner } from "./detectors/secrets/stream-secrets.ts";
import { topicsScanner } from "./detectors/topics/stream-topics.ts";
import { WHOLE_CHARS_MAX } from "./core/stream/stream-whole.ts";
import type { WholeRail } from "./core/stream/stream-whole.ts";
import type { TextForms } from "./core/text/normalise.ts";
import { extractTextParts } from "./core/text/text-parts.ts";
import { findTopics } from "./detectors/topics/topics.ts";
import { findUnicode } from "./detectors/unicode/unicode.ts";
import type { OutputRailConfig, PoolConfig } from "../config/config.ts";
import { findProfanity, PROFANE_WORD_CHARS_MAX } from "./detectors/profanity/profanity.ts";
import { checkRegexOptions, findRegex } from "./detectors/regex/regex.ts";
import { checkSchema, schemaRail } from "./detectors/schema/schema.ts";

export type OutputSet = {
  /** The rails that look at this answer. */
  readonly rails: readonly OutputRailConfig[];
  readonly scanners: readonly StreamScanner[];
  readonly wholes: readonly WholeRail[];
  /** An answer that they cannot read is refused. */
  readonly isClosed: boolean;
};

/** Of rails that broke and let the answer go on: who else would ever know. */
export function logFailures(failed: ReadonlyMap<string, unknown>): void {
  for (const [rail, error] of failed) console.error(`output rail ${rail} failed`, error);
}

type Prepared = {
  readonly config: OutputRailConfig;
  readonly scanner: StreamScanner | null;
  readonly whole: WholeRail | null;
};

type PoolSet = { readonly rails: readonly Prepared[]; readonly chosen: Map<string, OutputSet> };

/** By the pool's list of rails, which lives as long as its config; null: one of them cannot run. */
const sets = new WeakMap<readonly OutputRailConfig[], PoolSet | null>();

/** What looks at one answer; null when a rail of the pool cannot run, which is logged once. */
export function outputSetOf(
  pool: Pick<PoolConfig, "id" | "rails">,
  requestId: string,
  tenant: string,
  body: unknown,
): OutputSet | null {
  const { output } = pool.rails;
  let known = sets.get(output);
  if (known === undefined) {
    known = prepare(pool);
    sets.set(output, known);
  }
  if (known === null) return null;
  const rails = known.rails.filter(({ config }) => looksAt(config, requestId, tenant));
  // Compared with the prompt of this one request.
  if (rails.some(({ config }) => config.use === "canary"))
    return setOf(rails.map((rail) => (rail.config.use === "canary" ? prepareCanary(rail.config, body) : rail)));
  const key = rails.map(({ config }) => config.name).join(" ");
  const chosen = known.chosen.get(key) ?? setOf(rails);
  known.chosen.set(key, chosen);
  return chosen;
}

function setOf(rails: readonly Prepared[]): OutputSet {
  return {
    rails: rails.map(({ config }) => config),
    scanners: rails.flatMap(({ scanner }) => (scanner === null ? [] : [scanner])),
    wholes: rails.flatMap(({ whole }) => (whole === null ? [] : [whole])),
    isClosed: rails.some(({ config }) => mustSee(config)),
  };
}

const mustSee = ({ onError, shadow }: OutputRailConfig): boolean => onError === "closed" && !shadow;

function prepare({ id, rails }: Pick<PoolConfig, "id" | "rails">): PoolSet | null {
  for (const config of rails.output) {
    const problem = problemOf(config);
    if (problem === null) continue;
    console.error(`pool ${id}, output rail ${config.name}: ${problem}`);
    return null;
  }
  return { rails: rails.output.map(prepareRail), chosen: new Map() };
}

function problemOf(config: OutputRailConfig): string | null {
  if (config.use === "regex") return checkRegexOptions(config.options);
  if (config.use === "schema") return checkSchema(config.options.schema);
  return null;
}

function prepareRail(config: OutputRailConfig): Prepared {
  if (config.use === "canary") return prepareCanary(config, null);
  if (config.use === "schema") {
    const { options } = config;
    const find = (text: string): readonly string[] => {
      const part = { path: "", role: "assistant", text };
      const { reasons } = schemaRail({ parts: [part], messageCount: 0, unseen: [] }, options);
      return reasons.map((reason) => reason.replace(/^schema:/, ""));
    };
    const action = config.shadow || config.action !== "block" ? "flag" : "block";
    return {
      config,
      scanner: null,
      whole: { rail: config.name, action, mustSee: mustSee(config), onlyAnswers: true, find },
    };
  }
  return watching(config, finderOf(config), () => scannerFor(config));
}

function prepareCanary(config: OutputRailConfig & { readonly use: "canary" }, body: unknown): Prepared {
  const { texts, token } = config.options;
  const index = createLeakIndex([...systemTexts(body), ...texts], token);
  const find = (text: string): readonly FoundSpan[] => findLeaks(text, index);
  return watching(config, find, () => scannerOf({ rail: config.name, action: config.action, find }));
}

const SYSTEM_ROLES: ReadonlySet<string> = new Set(["system", "developer"]);

function systemTexts(body: unknown): readonly string[] {
  return extractTextParts(body).parts.flatMap(({ role, text }) => (SYSTEM_ROLES.has(role) ? [text] : []));
}

type Finder = (text: string, forms?: TextForms) => readonly FoundSpan[];

/** As a scanner where the rail may do something while the text comes, else over the whole text. */
function watching(config: OutputRailConfig, find: Finder, scanner: () => StreamScanner): Prepared {
  if (!config.shadow && config.action !== "flag")
    return { config, scanner: { ...scanner(), mustSee: mustSee(config) }, whole: null };
  const types = (text: string, forms?: TextForms): readonly string[] =>
    find(text.slice(0, WHOLE_CHARS_MAX), forms).map(({ type }) => type);
  const { name: rail } = config;
  return {
    config,
    scanner: null,
    whole: { rail, action: "flag", mustSee: mustSee(config), onlyAnswers: false, find: types },
  };
}

type Spanning = Exclude<OutputRailConfig, { readonly use: "canary" | "schema" }>;

function finderOf(config: Spanning): Finder {
  switch (config.use) {
    case "secrets":
      return (text) => findSecrets(text);
    case "pii":
      return (text, forms) => findPii(text, config.options, forms);
    case "links":
      return (text) => findLinks(text, config.options);
    case "topics":
      return (text, forms) => findTopics(text, config.options, forms);
    case "regex":
      return (text, forms) => findRegex(text, config.options, forms);
    case "profanity":
      return (text, forms) => findProfanity(text, config.options, forms);
    case "unicode":
      return findUnicode;
  }
}

function scannerFor(config: Spanning): StreamScanner {
  const { name: rail, action } = config;
  const find = finderOf(config);
  switch (config.use) {
    case "secrets":
      return secretsScanner(action, rail);
    case "pii":
      return piiScanner(action, config.options, rail);
    case "links":
      return linksScanner(action, config.options, rail);
    case "topics":
      return topicsScanner(action, config.options, rail);
    case "regex":
      return scannerOf({ rail, action, find });
    case "profanity":
      // A word may hide behind signs; the one before it may belong to it.
      return scannerOf({
        rail,
        action,
        find,
        holdFrom: (text, from) => Math.max(from, text.length - PROFANE_WORD_CHARS_MAX),
      });
    case "unicode":
      return scannerOf({ rail, action, find, holdFrom: holdForeignWord });
  }
}

/** A word is longer only if it is no word. */
const FOREIGN_CHARS_MAX = 64;

/** The last word, if it has a character that could turn out to be out of place in it. */
function holdForeignWord(text: string, from: number): number {
  const least = Math.max(from, text.length - FOREIGN_CHARS_MAX);
  let isForeign = false;
  let at = text.length;
  for (; at > least; at -= 1) {
    const code = text.charCodeAt(at - 1);
    if (code <= 0x20) break;
    // Scripts with look-alikes of Latin letters come before the Indic ones; beyond, only what nobody sees counts.
    isForeign ||= (code >= 0x370 && code < 0x900) || (code >= 0x80 && isInvisible(code));
  }
  return isForeign ? at : text.length;
}

/** Half of a pair may be of one that is. */
function isInvisible(code: number): boolean {
  return (code >= 0xd800 && code < 0xe000) || (classOf(code) & INVISIBLE) !== 0;
}
