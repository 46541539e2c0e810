/**
 * Decides what the record of one request adds to the counts.
 *
 * Model. Each request adds one to exactly one series of `requests` and of `tenantRequests`, so that the sums of either are
 * the number of requests that have ended; what is not known of it adds nothing anywhere. Labels come from the record's
 * members with bounded values alone; a rail's rule, which a service outside may have named, only where it is a code.
 * This runs once for every request, and most of them are alike but for their numbers. So the keys of the series that a
 * request adds to are spelled once for all that have the same words (`shapeOf`) and are steps; the numbers are read of
 * each record. What is rare (rules, many attempts) is spelled each time.
 */
import { COUNTED, OTHER_OPERATION } from "./metric-names.ts";
import type { CountedId, Metric } from "./metric-names.ts";
import type { AttemptRecord, RailSaid, RequestRecord } from "./record.ts";
import { add, cellsOf, observe, observeIn, OTHER, SEPARATOR as S } from "./tally.ts";
import type { Tally } from "./tally.ts";

/** Outcomes of a stage in which a rail has not read what went on. */
const UNREAD: ReadonlySet<string> = new Set(["unread", "budget", "error", "timeout"]);

const CODE = /^[a-z_]+:[\w.+-]{1,48}$/i;

/** Shapes that are remembered, of some 4 KB each; with one more all are forgotten. */
export const SHAPES_MAX = 1_000;
/** Of a shape that is remembered. */
const ATTEMPTS_MAX = 3;

/** One number that a record adds to one series. */
type Step = {
  readonly key: string;
  /** Of a histogram; null: a counter. */
  readonly boundsS: readonly number[] | null;
  readonly by: (record: RequestRecord) => number;
};

const shapes = new Map<string, readonly Step[]>();

export function fold(tally: Tally, record: RequestRecord): void {
  const isRare =
    record.way !== undefined ||
    record.attempts.length > ATTEMPTS_MAX ||
    record.rails.some(({ rules }) => rules.length > 0);
  if (isRare) {
    for (const step of stepsOf(record)) take(tally, step, record);
    return;
  }
  const shape = shapeOf(record);
  let steps = shapes.get(shape);
  if (steps === undefined) {
    steps = stepsOf(record);
    if (shapes.size >= SHAPES_MAX) shapes.clear();
    shapes.set(shape, steps);
  }
  const cells = cellsOf(tally, steps);
  for (let at = 0; at < steps.length; at += 1) {
    const step = steps[at];
    const cell = cells[at];
    if (step === undefined) continue;
    // What found no room goes the long way.
    if (cell === null || cell === undefined) take(tally, step, record);
    else if (step.boundsS === null) cell[0] = (cell[0] ?? 0) + step.by(record);
    else observeIn(cell, step.boundsS, step.by(record));
  }
}

function take(tally: Tally, { key, boundsS, by }: Step, record: RequestRecord): void {
  if (boundsS === null) add(tally, key, by(record));
  else observe(tally, key, boundsS, by(record));
}

/** Every word that a key is spelled of, and which numbers there are. What is null is empty: no name is. */
function shapeOf(record: RequestRecord): string {
  const {
    pool,
    tenant,
    route,
    operation,
    model,
    outcome,
    reason,
    region,
    why,
    attempts,
    rails,
    continued = 0,
  } = record;
  let shape = `${numbersOf(record)}${S}${continued}${S}${attempts.length}${S}${outcome}${S}${route}`;
  for (const word of [pool, tenant, operation, model, reason, region, why]) shape += S + (word ?? "");
  for (const { region: at, endpoint, lost, hedge } of attempts) {
    shape += `${S}${at}${S}${endpoint}${S}${lost ?? ""}${S}${hedge}`;
  }
  for (const { rail, stage, status, action } of rails)
    shape += `${S}${rail}${S}${stage}${S}${status}${S}${action ?? ""}`;
  return shape;
}

/** A bit for each number that a step may read. */
function numbersOf({ ms, tokens, bytes, costMicros }: RequestRecord): number {
  const bits = [
    ms.overhead !== null,
    ms.lease !== null,
    ms.queue !== null,
    ms.rails !== null,
    ms.ttft !== null,
    tokens.in !== null,
    isSome(tokens.in),
    isSome(tokens.cached),
    tokens.out !== null,
    isSome(tokens.out),
    tokens.out !== null && tokens.out > 1,
    isSome(bytes.in),
    isSome(bytes.out),
    isSome(costMicros),
  ];
  let number = 0;
  for (const bit of bits) number = number * 2 + (bit ? 1 : 0);
  return number;
}

/** A counter does not begin with nothing. */
const isSome = (value: number | null): boolean => value !== null && value > 0;

const one = (): number => 1;

type Add = (key: string, by: Step["by"], boundsS?: readonly number[]) => void;

function stepsOf(record: RequestRecord): readonly Step[] {
  const steps: Step[] = [];
  const plus: Add = (key, by, boundsS) => void steps.push({ key, by, boundsS: boundsS ?? null });
  const { outcome, reason, route, region, why } = record;
  const pool = record.pool ?? "";
  const tenant = record.tenant ?? "";
  plus(`requests${S}${pool}${S}${route}${S}${outcome}${S}${reason ?? ""}`, one);
  plus(`tenantRequests${S}${tenant}${S}${pool}${S}${outcome}`, one);
  // What named no pool was refused at the door: it has no times and no tokens.
  if (record.pool === null) return steps;
  waySteps(plus, record);
  timeSteps(plus, record, pool);
  useSteps(plus, record, pool, tenant);
  if (region !== null && why !== null) {
    plus(`decisions${S}${pool}${S}${region}${S}${why}`, one);
    if (why === "cold_start") plus(`coldStarts${S}${pool}${S}${region}`, one);
  }
  attemptSteps(plus, record, pool);
  if ((record.continued ?? 0) > 0) plus(`continuations${S}${pool}${S}${outcome}`, (of) => of.continued ?? 0);
  for (const rail of record.rails) railSteps(plus, record, rail);
  return steps;
}

function waySteps(plus: Add, { way }: RequestRecord): void {
  if (way === undefined) return;
  const { split, fell } = way;
  if (split !== null) plus(`splits${S}${split.model}${S}${split.pool}`, one);
  for (const { from, reason, to } of fell) plus(`fallbacks${S}${from}${S}${reason}${S}${to}`, one);
}

const bounds = <Id extends CountedId>(id: Id): readonly number[] => (COUNTED[id] as Metric).bucketsS ?? [];

const FIRST_TOKEN_S = bounds("firstToken");
const OUTPUT_TOKEN_S = bounds("outputToken");
const DURATION_S = bounds("duration");
const OPERATION_S = bounds("operation");
const OWN_S = bounds("overhead");

function timeSteps(plus: Add, record: RequestRecord, pool: string): void {
  const { ms, tokens, outcome, reason, operation, region } = record;
  const labels = `${S}${pool}${S}${record.model ?? ""}${S}${operation ?? OTHER_OPERATION}`;
  const error = outcome === "served" ? "" : (reason ?? outcome);
  plus(`duration${labels}${S}${error}`, (of) => of.ms.total, DURATION_S);
  if (ms.ttft !== null) {
    plus(`firstToken${labels}${S}${region ?? ""}`, (of) => of.ms.ttft ?? 0, FIRST_TOKEN_S);
    if (tokens.out !== null && tokens.out > 1 && outcome === "served") {
      plus(`outputToken${labels}${S}${region ?? ""}`, perToken, OUTPUT_TOKEN_S);
    }
  }
  for (const [nth, attempt] of record.attempts.entries()) {
    plus(`operation${labels}${S}${attempt.region}${S}${attempt.lost ?? ""}`, tookOf(nth), OPERATION_S);
  }
  if (ms.overhead !== null) plus(`overhead${S}${pool}`, (of) => of.ms.overhead ?? 0, OWN_S);
  if (ms.lease !== null) plus(`lease${S}${pool}`, (of) => of.ms.lease ?? 0, OWN_S);
  if (ms.queue !== null) plus(`queue${S}${pool}`, (of) => of.ms.queue ?? 0, OWN_S);
  if (ms.rails !== null) plus(`rails${S}${pool}`, (of) => of.ms.rails ?? 0, OWN_S);
}

/** After the first. */
const perToken = ({ ms, tokens }: RequestRecord): number => (ms.total - (ms.ttft ?? 0)) / ((tokens.out ?? 0) - 1);

const tookOf =
  (nth: number): Step["by"] =>
  ({ attempts }) => {
    const attempt = attempts[nth];
    return attempt === undefined ? 0 : attempt.endedMs - attempt.sentMs;
  };

function useSteps(
  plus: Add,
  { tokens, bytes, outcome, costMicros }: RequestRecord,
  pool: string,
  tenant: string,
): void {
  const own = `${S}${tenant}${S}${pool}`;
  if (isSome(tokens.in)) plus(`tokens${own}${S}input`, (of) => of.tokens.in ?? 0);
  if (isSome(tokens.cached)) plus(`tokens${own}${S}cached`, (of) => of.tokens.cached ?? 0);
  if (isSome(tokens.out)) plus(`tokens${own}${S}output`, (of) => of.tokens.out ?? 0);
  if (outcome === "served" && tokens.in === null && tokens.out === null) plus(`usageUnknown${own}`, one);
  if (isSome(costMicros)) plus(`cost${own}`, (of) => of.costMicros ?? 0);
  if (isSome(bytes.in)) plus(`requestBytes${S}${pool}`, (of) => of.bytes.in ?? 0);
  if (isSome(bytes.out)) plus(`responseBytes${S}${pool}`, (of) => of.bytes.out ?? 0);
}

function attemptSteps(plus: Add, { attempts }: RequestRecord, pool: string): void {
  for (const [index, { region, endpoint, lost, hedge }] of attempts.entries()) {
    plus(`attempts${S}${pool}${S}${region}${S}${endpoint}${S}${lost ?? "answered"}`, one);
    if (hedge) plus(`hedges${S}${pool}${S}${lost === null ? "won" : "lost"}`, one);
    else if (isRetry(attempts, index)) plus(`retries${S}${pool}`, one);
  }
}

/** After one that was lost. What was put back is still on its first way. */
const isRetry = (attempts: readonly AttemptRecord[], index: number): boolean =>
  attempts.slice(0, index).some(({ lost, hedge }) => !hedge && lost !== "put_back");

function railSteps(
  plus: Add,
  { pool, outcome }: RequestRecord,
  { rail, stage, status, action, rules }: RailSaid,
): void {
  const said = status === "done" ? (action ?? "allow") : status;
  plus(`railVerdicts${S}${pool ?? ""}${S}${rail}${S}${stage}${S}${said}`, one);
  if (outcome !== "blocked" && UNREAD.has(status)) {
    plus(`failOpens${S}${pool ?? ""}${S}${rail}${S}${stage}${S}${status}`, one);
  }
  for (const rule of rules)
    plus(`railRules${S}${rail}${S}${CODE.test(rule) ? rule : OTHER}${S}${action ?? status}`, one);
}
