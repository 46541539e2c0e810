/**
 * `npm run bench:rails`: CPU time of the rails inside the isolate, one by one and all together, in Node.
 *
 * Model. *Ordinary*: prompts of 1, 8 and 64 KB of five kinds, each read once by all rails in a row, as a request has
 * it, and once by rail after rail with the clock read between; no prompt is read by one pass twice. Reported are the
 * median and the 99th percentile over prompts. *Pumps*: 1 MB of each hostile repetition by each rail, several times;
 * reported are the smallest and the median time. CPU is the process's own, garbage collection and compiler included,
 * because a wall clock on a shared machine mostly measures the others; they still cost us cache and clock speed, so the
 * load of the machine is printed beside the figures.
 * Rejected: failing beyond the aims, which would make of a busy machine a broken build.
 */
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { STEPS_PER_MS } from "../src/rails/core/budget.ts";
import { injectionRail } from "../src/rails/detectors/injection/injection.ts";
import { linksRail } from "../src/rails/detectors/links/links.ts";
import { piiRail } from "../src/rails/detectors/pii/pii.ts";
import type { RailFindings, RailInput } from "../src/rails/core/rail.ts";
import { secretsRail } from "../src/rails/detectors/secrets/secrets.ts";
import { sizeRail } from "../src/rails/detectors/size/size.ts";
import { tokensRail } from "../src/rails/detectors/tokens/tokens.ts";
import { topicsRail } from "../src/rails/detectors/topics/topics.ts";
import { unicodeRail } from "../src/rails/detectors/unicode/unicode.ts";
import { createForms } from "../src/rails/core/text/normalise.ts";
import { seededRng } from "../src/lib/rng.ts";
import { profanityRail } from "../src/rails/detectors/profanity/profanity.ts";
import { regexRail } from "../src/rails/detectors/regex/regex.ts";
import { inputOf, KB_UNITS, KINDS, promptOf, PUMPS, pumpOf } from "./rails-texts.ts";
import type { Kind } from "./rails-texts.ts";
import { median, percentile } from "./stats.ts";

/** By KB of prompt: CPU time of all rails together that the project wants to stay below in 99 of 100 prompts, ms. */
export const AIM_MS: Readonly<Record<number, number>> = { 1: 0.3, 8: 1, 64: 6 };
/** The same for one rail on one pump of PUMP_UNITS. */
export const PUMP_AIM_MS = 50;
/** 1 MB. */
const PUMP_UNITS = 1_048_576;

const usage = `npm run bench:rails -- [options]
  --prompts <n>   prompts of 64 KB and each kind (default 100; 2 to 10000); of 8 KB three times as many, of 1 KB ten times
  --repeats <n>   times that a rail reads a pump (default 5; 0 to 100; 0: no pumps)
  --rail <name>   only this rail on the pumps
  --json <file>   also write the figures there
  --help          this text`;

const PROMPTS_TIMES: Readonly<Record<number, number>> = { 1: 10, 8: 3, 64: 1 };
/** CPU time of all rails before anything is measured, ms: by then the compiler has seen all of them. */
const WARM_UP_MS = 3_000;

const TOPICS = {
  finance: "gold|stock tip|insider trading|day trading|penny stocks|margin call|crypto wallet|pump and dump|tax haven",
  health: "miracle cure|diet pills|anti vaccine|home abortion|steroid cycle|fake prescription|opioid dose|self harm",
  rivals: "acme router|globex|initech|umbrella cloud|hooli chat|massive dynamic|soylent api|tyrell model|wonka labs",
  weapons: "pipe bomb|ghost gun|nerve agent|dirty bomb|silencer kit|bump stock|land mine|hand grenade|body armour",
  gambling: "slot machine|sports bet|roulette system|card counting|poker bot|free spins|betting odds|casino bonus",
  legal: "legal advice|sue my employer|custody battle|plea bargain|forged passport|visa fraud|tax evasion",
};

/** The whole set; options as an operator would write them. */
export const RAILS = {
  size: bind(sizeRail, { charsMax: 2_000_000, messagesMax: 200 }),
  tokens: bind(tokensRail, { tokensMax: 10_000_000 }),
  secrets: secretsRail,
  pii: bind(piiRail, {}),
  unicode: unicodeRail,
  links: bind(linksRail, { allow: ["example.com", "*.example.org"] }),
  topics: bind(topicsRail, {
    topics: Object.fromEntries(Object.entries(TOPICS).map(([topic, phrases]) => [topic, phrases.split("|")])),
  }),
  profanity: bind(profanityRail, {}),
  regex: bind(regexRail, {
    patterns: [
      { name: "ticket", pattern: "\\bPRJ-[0-9]{4,6}\\b" },
      { name: "codename", pattern: "project[- ](falcon|osprey|kestrel)", flags: "i" },
      { name: "host", pattern: "[a-z0-9-]+\\.corp\\.internal" },
      { name: "account", pattern: "\\bACC[0-9]{8}\\b" },
      { name: "marking", pattern: "(?:strictly )?confidential:? internal", flags: "i" },
    ],
  }),
  injection: (input: RailInput) => injectionRail(input),
} satisfies Record<string, (input: RailInput) => RailFindings>;

function bind<Options>(rail: (input: RailInput, options: Options) => RailFindings, options: Options) {
  return (input: RailInput): RailFindings => rail(input, options);
}

export type RailName = keyof typeof RAILS;
export const RAIL_NAMES = Object.keys(RAILS) as readonly RailName[];

function runAll(texts: RailInput): void {
  const input = { ...texts, forms: createForms() };
  for (const name of RAIL_NAMES) RAILS[name](input);
}

function cpuMs(step: () => unknown): number {
  const before = process.cpuUsage();
  step();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function warmUp(): void {
  const rng = seededRng(1);
  for (let spentMs = 0; spentMs < WARM_UP_MS;) {
    for (const kind of KINDS) {
      for (const kb of [1, 8, 64]) {
        const prompt = promptOf(kind, kb * KB_UNITS, rng);
        spentMs += cpuMs(() => runAll(prompt));
      }
    }
  }
}

/** ms over the prompts. */
export type Figures = { readonly p50: number; readonly p99: number };
export type PromptRow = {
  readonly kb: number;
  readonly kind: Kind;
  readonly all: Figures;
  readonly rails: Readonly<Record<RailName, Figures>>;
};

const figuresOf = (ms: readonly number[]): Figures => ({ p50: percentile(ms, 0.5), p99: percentile(ms, 0.99) });

export function measurePrompts(kb: number, kind: Kind, count: number): PromptRow {
  const rng = seededRng(kb);
  // Made before anything is measured: what this leaves to the garbage collection is not the rails'.
  const prompts = Array.from({ length: 2 * count }, () => promptOf(kind, kb * KB_UNITS, rng));
  const all = prompts.slice(count).map((prompt) => cpuMs(() => runAll(prompt)));
  const each = RAIL_NAMES.map((name) => ({ name, ms: [] as number[] }));
  for (const prompt of prompts.slice(0, count)) {
    for (const { name, ms } of each) ms.push(cpuMs(() => RAILS[name](prompt)));
  }
  const rails = Object.fromEntries(each.map(({ name, ms }) => [name, figuresOf(ms)])) as Record<RailName, Figures>;
  return { kb, kind, all: figuresOf(all), rails };
}

export type PumpRow = {
  readonly pump: string;
  readonly rail: RailName;
  readonly minMs: number;
  readonly medianMs: number;
};

export function measurePump(pump: string, rails: readonly RailName[], repeats: number, units = PUMP_UNITS): PumpRow[] {
  const input = inputOf([pumpOf(PUMPS[pump] ?? pump, units)]);
  return rails.map((rail) => {
    const ms = Array.from({ length: repeats }, () => cpuMs(() => RAILS[rail](input)));
    return { pump, rail, minMs: Math.min(...ms), medianMs: median(ms) };
  });
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ");
  return [head, ...rows].map(line).join("\n");
}

function promptTable(rows: readonly PromptRow[]): string {
  const cells = rows.map(({ kb, kind, all, rails }) => [
    `${kb} KB`,
    kind,
    all.p50.toFixed(3),
    all.p99.toFixed(3),
    ...RAIL_NAMES.map((name) => rails[name].p50.toFixed(3)),
  ]);
  return tableOf(["prompt", "kind", "all p50", "all p99", ...RAIL_NAMES], cells);
}

/** Of each rail the slowest pumps, and all beyond the aim. */
function pumpTable(rows: readonly PumpRow[]): string {
  const shown = RAIL_NAMES.flatMap((rail) => {
    const own = rows.filter((row) => row.rail === rail).toSorted((one, other) => other.medianMs - one.medianMs);
    return own.filter(({ medianMs }, rank) => rank < 3 || medianMs > PUMP_AIM_MS);
  });
  const cells = shown.map(({ rail, pump, minMs, medianMs }) => [rail, pump, minMs.toFixed(1), medianMs.toFixed(1)]);
  return tableOf(["rail", "pump", "least ms", "median ms"], cells);
}

const loadLine = (): string =>
  `Load of the machine: ${loadavg()
    .map((load) => load.toFixed(1))
    .join(" ")}`;

function wholeNumber(
  text: string | undefined,
  name: string,
  [fallback, least, most]: readonly [number, number, number],
) {
  const value = Number(text ?? fallback);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`--${name} takes a whole number from ${least} to ${most}`);
}

function main(args: readonly string[]): number {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { prompts: text, repeats: text, rail: text, json: text, help: { type: "boolean", default: false } },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const prompts = wholeNumber(values.prompts, "prompts", [100, 2, 10_000]);
  const repeats = wholeNumber(values.repeats, "repeats", [5, 0, 100]);
  const rails = values.rail === undefined ? RAIL_NAMES : RAIL_NAMES.filter((name) => name === values.rail);
  if (rails.length === 0) throw new Error(`--rail takes one of ${RAIL_NAMES.join(", ")}`);
  const machine = `${cpus()[0]?.model.trim() ?? "unknown CPU"}, ${cpus().length} cores; node ${process.versions.node}`;
  const loadBefore = loadavg();
  console.log(`Machine: ${machine}\n${loadLine()}\n\nCPU of ordinary prompts, ms; of single rails the median\n`);
  warmUp();
  const promptRows = Object.keys(AIM_MS)
    .map(Number)
    .flatMap((kb) => KINDS.map((kind) => measurePrompts(kb, kind, prompts * (PROMPTS_TIMES[kb] ?? 1))));
  console.log(promptTable(promptRows));
  for (const [kb, aim] of Object.entries(AIM_MS)) {
    const worst = Math.max(...promptRows.filter((row) => row.kb === Number(kb)).map(({ all }) => all.p99));
    console.log(
      `Aim: ${kb} KB in ${aim} ms: ${worst <= aim ? "kept" : "missed"}, p99 of the slowest kind ${worst.toFixed(3)}`,
    );
  }
  const pumpRows = repeats === 0 ? [] : Object.keys(PUMPS).flatMap((pump) => measurePump(pump, rails, repeats));
  if (repeats > 0) {
    const worst = Math.max(...pumpRows.map(({ medianMs }) => medianMs));
    console.log(
      `\nCPU of 1 MB pumps (${Object.keys(PUMPS).length}), of each rail the slowest\n\n${pumpTable(pumpRows)}`,
    );
    console.log(
      `Aim: ${PUMP_AIM_MS} ms: ${worst <= PUMP_AIM_MS ? "kept" : "missed"}, slowest median ${worst.toFixed(1)}`,
    );
    console.log(
      `Slowest: ${Math.round(PUMP_UNITS / worst)} characters a ms; budgets of rails count ${STEPS_PER_MS} steps`,
    );
  }
  console.log(loadLine());
  if (values.json !== undefined) {
    const report = {
      machine,
      loadBefore,
      loadAfter: loadavg(),
      aimMs: AIM_MS,
      pumpAimMs: PUMP_AIM_MS,
      promptRows,
      pumpRows,
    };
    writeFileSync(resolve(values.json), `${JSON.stringify(report, null, 2)}\n`);
  }
  return 0;
}

if (import.meta.main) {
  try {
    process.exitCode = main(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
