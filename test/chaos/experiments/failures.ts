/** Endpoints that refuse, flap, answer errors at once or too late; and more load than there are slots. */
import { setTimeout as sleep } from "node:timers/promises";
import { ENGINE_PRESETS } from "../../../backends/gpu-engine/engine-presets.ts";
import { FAILURES_MAX } from "../../../src/routing/core/endpoint/breaker.ts";
import { HEDGE_RULE, RETRY_RULE, spentMax } from "../../../src/routing/core/shard/budget.ts";
import { startFleet } from "../../support/fleet.ts";
import type { Fleet } from "../../support/fleet.ts";
import { ask, leasesGone, reached, violationsOf, watchFloor } from "../client.ts";
import type { Answered } from "../client.ts";
import { inParallel, judge, quantile, tally } from "../experiment.ts";
import type { Experiment } from "../experiment.ts";

const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 2 };

const startFive = (pool: Readonly<Record<string, unknown>> = {}): Promise<Fleet> =>
  startFleet({
    endpoints: Array.from({ length: 5 }, (_, index) => ({
      id: `us-${index}`,
      region: "us-east" as const,
      simulator: { engine, seed: index },
    })),
    pool,
  });

const admitting = async (fleet: Fleet): Promise<number> =>
  (await fleet.shards())
    .flatMap(({ status }) => status?.endpoints ?? [])
    .filter(({ standing }) => standing === "admitting").length;

const share = (count: number, of: number): number => (of === 0 ? 0 : count / of);
const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const isOk = ({ name }: Answered): boolean => name === "ok";

/** R2 */
export const resets: Experiment = {
  id: "R2",
  what: "an endpoint resets or refuses before its headers",
  threshold: "99.5 % succeed, 1.2 attempts a request at most",
  async run({ short }) {
    const count = short ? 60 : 300;
    const fleet = await startFive();
    const { must, finding } = judge();
    try {
      fleet.simulator("us-0").setFault({ kind: "reset" });
      fleet.simulator("us-1").refuse();
      const answers = await inParallel(count, 10, () => ask(fleet));
      const attempts = share(reached(fleet), count);
      must(share(answers.filter(isOk).length, count) >= 0.995, `only ${tally(answers.map(({ name }) => name))}`);
      must(attempts <= 1.2, `${attempts.toFixed(2)} attempts a request`);
      return finding(`${tally(answers.map(({ name }) => name))}; ${attempts.toFixed(2)} attempts a request`);
    } finally {
      await fleet.close();
    }
  },
};

/** R6: what fails at once looks the fastest. */
export const instantErrors: Experiment = {
  id: "R6",
  what: "one of five endpoints answers 429, then 500, in 1 ms",
  threshold: "its share at most 2 % once it is known, 99 % succeed",
  async run({ short }) {
    const count = short ? 300 : 3_000;
    const { must, finding } = judge();
    const seen: string[] = [];
    for (const status of [429, 500]) {
      const fleet = await startFive();
      try {
        const bad = fleet.simulator("us-0");
        bad.setFault({ kind: "status", status, latencyMs: 1, paths: "all" });
        const first = await inParallel(Math.floor(count / 3), 10, () => ask(fleet));
        const known = { bad: bad.stats.requests, all: reached(fleet) };
        const then = await inParallel(count, 10, () => ask(fleet));
        const badShare = share(bad.stats.requests - known.bad, reached(fleet) - known.all);
        const ok = share([...first, ...then].filter(isOk).length, first.length + then.length);
        must(badShare <= 0.02, `${status}: ${percent(badShare)} of the attempts went there`);
        must(ok >= 0.99, `${status}: ${percent(ok)} succeeded`);
        seen.push(`${status}: share ${percent(badShare)}, ${percent(ok)} succeed`);
      } finally {
        await fleet.close();
      }
    }
    return finding(seen.join("; "));
  },
};

/** R7 */
export const flapping: Experiment = {
  id: "R7",
  what: "one endpoint goes down and up again and again; then four of five die",
  threshold: "no request fails while an endpoint is well",
  async run({ short }) {
    const cycles = short ? 4 : 60;
    const fleet = await startFive();
    const { must, finding } = judge();
    try {
      const answers: Answered[] = [];
      const flapper = fleet.simulator("us-0");
      for (let cycle = 0; cycle < cycles; cycle++) {
        flapper.setFault({ kind: "reset", paths: "all" });
        answers.push(...(await inParallel(30, 10, () => ask(fleet))));
        flapper.setFault({ kind: "none" });
        answers.push(...(await inParallel(30, 10, () => ask(fleet))));
      }
      must(answers.every(isOk), `flapping: ${tally(answers.map(({ name }) => name))}`);
      await fleet.until(
        () => admitting(fleet),
        (count) => count === 5,
        60_000,
      );
      for (const id of ["us-1", "us-2", "us-3", "us-4"]) fleet.simulator(id).refuse();
      await fleet.until(
        () => admitting(fleet),
        (count) => count === 1,
        60_000,
      );
      const alone = await inParallel(short ? 60 : 300, 4, () => ask(fleet));
      must(alone.every(isOk), `four of five dead: ${tally(alone.map(({ name }) => name))}`);
      const attempts = share(
        answers.reduce((sum, answer) => sum + answer.attempts, 0),
        answers.length,
      );
      return finding(
        `${cycles} cycles: ${tally(answers.map(({ name }) => name))}, ${attempts.toFixed(2)} attempts a request; four dead: ${tally(alone.map(({ name }) => name))}`,
      );
    } finally {
      await fleet.close();
    }
  },
};

/** R8 */
export const allRefuse: Experiment = {
  id: "R8",
  what: "every endpoint answers 503 for a while",
  threshold: "1.10 attempts a request at most, full service within 5 s of their return",
  async run({ short }) {
    const { must, within, finding } = judge();
    const seen: string[] = [];
    for (const kind of ["different", "identical"] as const) {
      const { broken, attempts, backMs, names } = await refusing(short, kind === "identical");
      must(broken.length === 0, broken.slice(0, 3).join("; "));
      // What it costs to learn it does not grow with the requests; in small, and on a busy machine, it is as much as they are.
      const most = short ? 3 : 1.1;
      must(attempts <= most, `${kind} requests: ${attempts.toFixed(2)} attempts a request`);
      within(backMs, 5_000, `full service again for ${kind} requests`);
      const back = `served again after ${Math.round(backMs)} ms`;
      seen.push(`${kind} requests: ${names}, ${attempts.toFixed(2)} attempts a request, ${back}`);
    }
    return finding(seen.join("; "));
  },
};

async function refusing(short: boolean, isIdentical: boolean) {
  const seconds = short ? 4 : 30;
  const perSecond = short ? 60 : 100;
  const fleet = await startFive({ queueWaitMsMax: 1_000 });
  try {
    await inParallel(20, 5, () => ask(fleet));
    const before = reached(fleet);
    for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "status", status: 503 });
    const waiting: Promise<Answered>[] = [];
    for (let tick = 0; tick < seconds * 10; tick++) {
      for (let one = 0; one < perSecond / 10; one++)
        waiting.push(ask(fleet, { content: isIdentical ? "question" : `question ${waiting.length}` }));
      await sleep(100);
    }
    const answers = await Promise.all(waiting);
    const attempts = share(reached(fleet) - before, answers.length);
    const backMs = await servesAgain(fleet);
    return { broken: violationsOf(answers), attempts, backMs, names: tally(answers.map(({ name }) => name)) };
  } finally {
    await fleet.close();
  }
}

/** Every endpoint is well again: after how long its requests are, ms. */
async function servesAgain(fleet: Fleet): Promise<number> {
  for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "none" });
  const startedAt = performance.now();
  await fleet.until(
    async () => (await inParallel(5, 5, () => ask(fleet))).every(isOk),
    (isWell) => isWell,
    60_000,
  );
  return performance.now() - startedAt;
}

/** Requests that may be under way at an endpoint, or on their way to the next, when it is taken out. */
const AT_ONCE = 10;

/** R8B: their health says that all is well, so the breakers alone can know better. */
export const allHangUp: Experiment = {
  id: "R8B",
  what: "every endpoint hangs up on every request, and calls itself well",
  threshold: "each is taken out after five failures; from then on one attempt a request, no repeats",
  async run({ short }) {
    const count = short ? 150 : 2_000;
    const fleet = await startFive({ queueWaitMsMax: 1_000 });
    const { must, within, finding } = judge();
    try {
      await inParallel(20, 5, () => ask(fleet));
      const before = reached(fleet);
      for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "reset" });
      const answers = await inParallel(count, AT_ONCE, () => ask(fleet));
      const repeats = reached(fleet) - before - count;
      const most = 5 * FAILURES_MAX + 2 * AT_ONCE + RETRY_RULE.tokensMax;
      must(repeats <= most, `${repeats} repeats for ${count} requests, ${most} allowed`);
      const violations = violationsOf(answers);
      must(violations.length === 0, violations.slice(0, 3).join("; "));
      const backMs = await servesAgain(fleet);
      within(backMs, 5_000, "full service again");
      return finding(
        `${tally(answers.map(({ name }) => name))}; ${repeats} repeats; served again after ${Math.round(backMs)} ms`,
      );
    } finally {
      await fleet.close();
    }
  },
};

/** The longest wait for a slot that the pool of R9 allows, ms. */
const QUEUE_WAIT_MS = 500;

/** R9: does a rush leave the fleet in a state that it does not get out of. */
export const rush: Experiment = {
  id: "R9",
  what: "twice the capacity for a while, then 0.7 of it",
  threshold:
    "90 % of the capacity is used; refusals within 50 ms (p99) of their time, beyond what /livez takes then, each with Retry-After; afterwards 99 % succeed",
  async run({ short }) {
    const slots = 4;
    const tokens = 20;
    const slow = { ...ENGINE_PRESETS.fast, stepBaseMs: 10, stepPerDecodingMs: 0, maxNumSeqs: slots };
    const fleet = await startFleet({
      endpoints: [
        {
          id: "us-a",
          region: "us-east",
          simulator: { engine: slow },
          config: { concurrencyPerWorker: slots, queuesExcess: false },
        },
      ],
      pool: { queueWaitMsMax: QUEUE_WAIT_MS, queueDepthMax: 8 },
    });
    const { must, should, within, finding } = judge();
    try {
      const calm = await inParallel(slots * 3, slots, () => ask(fleet, { maxTokens: tokens }));
      const serviceMs = quantile(
        calm.map(({ tookMs }) => tookMs),
        0.5,
      );
      const capacity = (slots * 1_000) / serviceMs;
      const load = async (factor: number, ms: number): Promise<readonly Answered[]> => {
        const sent: Promise<Answered>[] = [];
        const startedAt = performance.now();
        for (let now = 0; now < ms; now = performance.now() - startedAt) {
          while (sent.length < (now / 1_000) * capacity * factor) sent.push(ask(fleet, { maxTokens: tokens }));
          await sleep(5);
        }
        return Promise.all(sent);
      };
      const rushMs = short ? 3_000 : 20_000;
      const floor = watchFloor(fleet);
      const during = await load(2, rushMs);
      const floorMs = await floor.ends();
      const after = await load(0.7, short ? 3_000 : 10_000);
      const served = during.filter(isOk);
      const refused = during.filter(({ name }) => name.startsWith("refused"));
      const goodput = served.length / ((capacity * rushMs) / 1_000);
      // Who was let wait and got no slot is refused when the wait is over that the config allows.
      const hasWaited = ({ tookMs }: Answered): boolean => tookMs >= QUEUE_WAIT_MS;
      const quick = quantile(
        refused.map((answer) => (hasWaited(answer) ? answer.tookMs - QUEUE_WAIT_MS : answer.tookMs)),
        0.99,
      );
      const violations = violationsOf([...during, ...after]);
      must(violations.length === 0, violations.slice(0, 3).join("; "));
      must(
        refused.every(({ retryAfter }) => retryAfter !== null),
        "a refusal without Retry-After",
      );
      must(refused.length > 0, "nobody was refused: it was no rush");
      should(goodput >= 0.9, `goodput ${percent(goodput)} of the capacity`);
      within(quick, 50, "refusals, p99", floorMs);
      const well = share(after.filter(isOk).length, after.length);
      should(well >= 0.99, `afterwards ${percent(well)} succeeded`);
      return finding(
        `goodput ${percent(goodput)}; ${refused.length} of ${during.length} refused, ${refused.filter(hasWaited).length} of them after their wait, p99 ${quick.toFixed(0)} ms (/livez ${floorMs.toFixed(0)}); afterwards ${percent(well)} of ${after.length}`,
      );
    } finally {
      await fleet.close();
    }
  },
};

/** R10 */
export const stragglers: Experiment = {
  id: "R10",
  what: "1 % of the first tokens never come; then every endpoint is slow",
  threshold: "second attempts at most 5 %, then 2 %, and never more than their budget; no lease left",
  async run({ short }) {
    const count = short ? 200 : 2_000;
    const warmUp = 300;
    const fleet = await startFive({ hedge: { afterMsMin: 25 } });
    const { must, finding } = judge();
    try {
      await inParallel(warmUp, 10, () => ask(fleet));
      const before = reached(fleet);
      let hung = 0;
      const answers = await inParallel(count, 10, (index) => {
        if (index % 100 === 50) {
          hung += 1;
          fleet.simulator(`us-${index % 5}`).setFault({ kind: "hang", times: 1 });
        }
        return ask(fleet);
      });
      const hedged = share(reached(fleet) - before - count, count);
      for (const simulator of fleet.simulators.values()) simulator.setFault({ kind: "slow", factor: 10 });
      const slowBefore = reached(fleet);
      const slow = await inParallel(count, 10, () => ask(fleet));
      const slowHedged = share(reached(fleet) - slowBefore - count, count);
      must([...answers, ...slow].every(isOk), tally([...answers, ...slow].map(({ name }) => name)));
      // Of few requests the bucket's tokens are a share of any size: the bound itself holds at every size. What hangs is
      // moved free of charge where nothing pays for a hedge.
      const served = warmUp + 2 * count;
      const second = reached(fleet) - served;
      const most = spentMax(HEDGE_RULE, served) + hung;
      must(second <= most, `${second} second attempts, ${most} allowed of ${served} requests`);
      if (!short) {
        must(hedged <= 0.05, `${percent(hedged)} second attempts for 1 % stragglers`);
        must(slowHedged <= 0.02, `${percent(slowHedged)} second attempts when all are slow`);
      }
      await leasesGone(fleet);
      return finding(`second attempts: ${percent(hedged)} with stragglers, ${percent(slowHedged)} when all are slow`);
    } finally {
      await fleet.close();
    }
  },
};
