/** Guardrails outside that hang, fail or lie, and more of them than may be asked at once. */
import { ENGINE_PRESETS } from "../../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../../support/fleet.ts";
import { startRailServer } from "../../support/rail-server.ts";
import type { RailCall } from "../../support/rail-server.ts";
import { ask, leasesGone, reached } from "../client.ts";
import type { Answered } from "../client.ts";
import { inParallel, judge, quantile, tally } from "../experiment.ts";
import type { Experiment } from "../experiment.ts";

const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 2 };
/** In the text of a request whose guardrail fails. */
const FAILS = "to be failed";

const WAYS: Readonly<Record<string, (call: RailCall) => void>> = {
  hangs: () => undefined,
  "answers 500": (call) => call.reply("no", 500),
  "answers garbage": (call) => call.reply("<html>"),
};

/** R22 */
export const failingRails: Experiment = {
  id: "R22",
  what: "a guardrail outside hangs, fails, or answers nonsense; failing closed and open",
  threshold: "closed: 0 reach an endpoint; open: all pass, with rail_error told; time-out + 10 ms at most",
  async run({ short }) {
    const count = short ? 10 : 200;
    const timeoutMs = short ? 1_000 : 200;
    const rails = await startRailServer();
    const { must, within, finding } = judge();
    const seen: string[] = [];
    try {
      for (const onError of ["closed", "open"] as const) {
        const fleet = await startFleet({
          endpoints: [{ id: "us-a", region: "us-east", simulator: { engine } }],
          pool: {
            rails: {
              input: [{ use: "webhook", name: "ext", timeoutMs, onError, options: { url: rails.url } }],
            },
          },
        });
        try {
          for (const [way, handle] of Object.entries(WAYS)) {
            // Every other request is judged as it should be, at the same time: what it takes is the machine's.
            rails.onCall((call) => (call.text.includes(FAILS) ? handle(call) : call.reply({ verdict: "allow" })));
            const before = reached(fleet);
            const all = await inParallel(2 * count, 20, (index) =>
              ask(fleet, { stream: false, content: index % 2 === 0 ? FAILS : "x" }),
            );
            const [answers, calm] = [0, 1].map((odd) => all.filter((_, index) => index % 2 === odd)) as [
              Answered[],
              Answered[],
            ];
            // On a busy machine the time of one that would be allowed may be over as well.
            const passed = reached(fleet) - before - calm.filter(({ name }) => name === "ok").length;
            must(
              passed === (onError === "open" ? count : 0),
              `${onError}, ${way}: ${passed} of ${count} reached the endpoint`,
            );
            must(
              answers.every(({ name }) => name === (onError === "open" ? "ok" : "refused guardrail_unavailable")),
              `${onError}, ${way}: ${tally(answers.map(({ name }) => name))}`,
            );
            const [failedMs, calmMs] = [answers, calm].map((some) =>
              quantile(
                some.map(({ tookMs }) => tookMs),
                0.5,
              ),
            ) as [number, number];
            const addedMs = Math.max(0, failedMs - calmMs);
            seen.push(`${onError}/${way} +${addedMs.toFixed(0)} ms`);
            within(addedMs, timeoutMs + 10, `${onError}, ${way}, median beyond that of a guardrail that allows`);
          }
          await leasesGone(fleet);
        } finally {
          await fleet.close();
        }
      }
      return finding(seen.join(", "));
    } finally {
      await rails.close();
    }
  },
};

/** Of the stage as well: what is looked for is that nobody waits for ever, and a busy machine may take its time, ms. */
const RAILS_TIME_MS = 30_000;

/** R26 */
export const manyRails: Experiment = {
  id: "R26",
  what: "eight guardrails outside, the dispatch and a hedge for each request, 50 at once",
  threshold: "no deadlock, nobody starves: every request is served, nothing is left open",
  async run({ short }) {
    const count = short ? 30 : 300;
    const rails = await startRailServer();
    rails.onCall((call) => call.reply({ verdict: "allow" }));
    const input = Array.from({ length: 8 }, (_, index) => ({
      use: "webhook",
      name: `r${index}`,
      timeoutMs: RAILS_TIME_MS,
      options: { url: `${rails.url}/r${index}` },
    }));
    const fleet = await startFleet({
      endpoints: [
        { id: "us-a", region: "us-east", simulator: { engine } },
        { id: "us-b", region: "us-east", simulator: { engine } },
      ],
      pool: { rails: { input, overlap: "dispatch", deadlineMs: RAILS_TIME_MS }, hedge: { afterMsMin: 25 } },
    });
    const { must, finding } = judge();
    try {
      const answers = await inParallel(count, 50, () => ask(fleet));
      must(
        answers.every(({ name }) => name === "ok"),
        tally(answers.map(({ name }) => name)),
      );
      await leasesGone(fleet);
      must(rails.openCount() === 0, `${rails.openCount()} calls to guardrails are still open`);
      must(rails.calls.length === count * 8, `${rails.calls.length} calls for ${count} requests`);
      return finding(
        `${tally(answers.map(({ name }) => name))}; ${rails.calls.length} calls, ${rails.openMost()} at once at most`,
      );
    } finally {
      await fleet.close();
      await rails.close();
    }
  },
};
