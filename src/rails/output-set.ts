/**
 * Decides what looks at the answers of a pool: the rails of its config as scanners of pieces and as rails over whole
 * texts.
 *
 * Model. A rail that may change or end an answer scans its pieces as they come; one that may not (`flag`, or in shadow)
 * looks at each text when it has ended, and so holds nothing back. Scanners are made once for a pool, and a list of
 * them for each choice of rails that sampling or tenants make, because tables hang on the list.
 * Rejected: scanning the pieces for flags as well, which holds text back for nothing.
 */
import { looksAt } from "./core/engine.ts";
import type { RailRecord } from "./core/engine.ts";
import type { UnseenReason } from "./core/rail.ts";
import type { RailedFormat } from "./core/stream/stream-events.ts";
import type { MustRead } from "./core/stream/stream-guard.ts";
import { createTally, recordOf } from "./core/stream/stream-record.ts";
import type { StreamRecord } from "./core/stream/stream-record.ts";
import { joinVerdicts } from "./core/verdict.ts";
import type { Verdict } from "./core/verdict.ts";
import type { StreamScanner } from "./core/stream/stream-scanner.ts";
import { WHOLE_CHARS_MAX } from "./core/stream/stream-whole.ts";
import type { WholeRail } from "./core/stream/stream-whole.ts";
import type { TextForms } from "./core/text/normalise.ts";
import type { OutputRailConfig, PoolConfig } from "../config/config.ts";
import { railHeaders } from "./rail-headers.ts";
import { outputSide, problemOf, scannerFor } from "./registry.ts";

export type OutputSet = {
  /** The rails that look at this answer. */
  readonly rails: readonly OutputRailConfig[];
  readonly scanners: readonly StreamScanner[];
  readonly wholes: readonly WholeRail[];
  /** The rail that must see what cannot be read for this reason; null: none. */
  readonly mustRead: MustRead;
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

export type AskedAnswer = {
  readonly requestId: string;
  readonly tenant: string;
  /** The request's. */
  readonly body: unknown;
  readonly format: RailedFormat;
};

/** What looks at one answer; null when a rail of the pool cannot run, which is logged once. */
export function outputSetOf(
  pool: Pick<PoolConfig, "id" | "rails">,
  { requestId, tenant, body, format }: AskedAnswer,
): OutputSet | null {
  const { output } = pool.rails;
  let known = sets.get(output);
  if (known === undefined) {
    known = prepare(pool);
    sets.set(output, known);
  }
  if (known === null) return null;
  const rails = known.rails.filter(
    // What a server says on a path of its own is nobody's answer.
    ({ config, whole }) => looksAt(config, requestId, tenant) && (format !== "any" || whole?.onlyAnswers !== true),
  );
  // Compared with the prompt of this one request.
  if (rails.some(({ config }) => isOfRequest(config)))
    return setOf(rails.map((rail) => (isOfRequest(rail.config) ? prepareRail(rail.config, body) : rail)));
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
    mustRead: (reason) =>
      rails.find(({ config }) => mustReadIt(config, reason) && unreadBy(config, [reason]).length > 0)?.config.name ??
      null,
  };
}

/** Of media a rail is told by `onMedia`, as on the way in. */
const mustReadIt = (config: OutputRailConfig, reason: UnseenReason): boolean =>
  reason === "media" ? config.onMedia === "closed" && !config.shadow : mustSee(config);

/** A schema holds for what the model says, whatever stands around it. */
const BESIDE_WORDS: ReadonlySet<UnseenReason> = new Set(["media", "token_ids", "too_deep", "too_many_parts"]);

/** What of this the rail would have had to read. */
function unreadBy({ use }: OutputRailConfig, reasons: readonly UnseenReason[]): readonly UnseenReason[] {
  return use === "schema" ? reasons.filter((reason) => !BESIDE_WORDS.has(reason)) : reasons;
}

/** One record a rail, of what was found in the answer and in its headers. No rail of the input can have a name with a dot. */
export function outputRecords(
  { rails }: Pick<OutputSet, "rails">,
  parts: readonly StreamRecord[],
  tookMs: number,
): readonly RailRecord[] {
  return rails.map((config) => {
    const { name, action, shadow } = config;
    const found = parts.flatMap(({ findings }) => findings.filter(({ rail }) => rail === name));
    const said = found.reduce<Verdict>((verdict, { action: did }) => joinVerdicts(verdict, did), "allow");
    // One in shadow only flags; told is what it would have done.
    const verdict = shadow && said !== "allow" ? action : said;
    const reasons = [...new Set(found.map(({ type }) => `${name}:${type}`))];
    const record = { rail: `output.${name}`, shadow, tookMs, reasons };
    if (parts.some(({ failed }) => failed.has(name))) return { ...record, verdict: null, status: "error" };
    const isUnread =
      unreadBy(
        config,
        parts.flatMap(({ unread }) => unread),
      ).length > 0;
    if (!isUnread || verdict === "block") return { ...record, verdict, status: "done" };
    return { ...record, verdict: verdict === "allow" ? null : verdict, status: "unread" };
  });
}

/** Nothing of it could be read, for this reason. */
export function unreadRecord(reason: UnseenReason): StreamRecord {
  const tally = createTally();
  tally.unread.add(reason);
  return recordOf(tally);
}

/** One line of the log: names and counts, never a text. Nothing where all was read and nothing found. */
export function logOutput(
  whose: Readonly<Record<string, string>>,
  records: readonly RailRecord[],
  { reasons, unread, held }: StreamRecord,
  blockedBy: string | null,
): void {
  if (reasons.length === 0 && records.every(({ status }) => status === "done")) return;
  const { rails } = railHeaders(records);
  const all = [...reasons, ...unread.map((reason) => `unread:${reason}`)];
  const line = { event: "output_rails", ...whose, rails, reasons: all, blockedBy, heldCharsMax: held.charsMax };
  console.log(JSON.stringify(line));
}

const mustSee = ({ onError, shadow }: OutputRailConfig): boolean => onError === "closed" && !shadow;

function prepare({ id, rails }: Pick<PoolConfig, "id" | "rails">): PoolSet | null {
  for (const config of rails.output) {
    const problem = problemOf(config);
    if (problem === null) continue;
    console.error(`pool ${id}, output rail ${config.name}: ${problem}`);
    return null;
  }
  return { rails: rails.output.map((config) => prepareRail(config)), chosen: new Map() };
}

/** `body`: of the request; null while only what holds for all requests is made. */
function prepareRail(config: OutputRailConfig, body: unknown = null): Prepared {
  const side = outputSide(config);
  const { name: rail, action, shadow } = config;
  if (side.finds === "types") {
    const does = shadow || action !== "block" ? "flag" : "block";
    const find = side.find(config);
    return {
      config,
      scanner: null,
      whole: { rail, action: does, mustSee: mustSee(config), onlyAnswers: true, find },
    };
  }
  const find = side.find(config, body);
  // As a scanner where the rail may do something while the text comes, else over the whole text.
  if (!shadow && action !== "flag")
    return { config, scanner: { ...scannerFor(side, config, find), mustSee: mustSee(config) }, whole: null };
  const types = (text: string, forms?: TextForms): readonly string[] =>
    find(text.slice(0, WHOLE_CHARS_MAX), forms).map(({ type }) => type);
  return {
    config,
    scanner: null,
    whole: { rail, action: "flag", mustSee: mustSee(config), onlyAnswers: false, find: types },
  };
}

function isOfRequest(config: OutputRailConfig): boolean {
  const side = outputSide(config);
  return side.finds === "spans" && side.isOfRequest === true;
}
