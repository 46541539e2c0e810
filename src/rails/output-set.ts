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
import type { StreamScanner } from "./core/stream/stream-scanner.ts";
import { WHOLE_CHARS_MAX } from "./core/stream/stream-whole.ts";
import type { WholeRail } from "./core/stream/stream-whole.ts";
import type { TextForms } from "./core/text/normalise.ts";
import type { OutputRailConfig, PoolConfig } from "../config/config.ts";
import { outputSide, problemOf, scannerFor } from "./registry.ts";

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
