/** A small chaos run of jobs (`npm run test:chaos:jobs` is the large one), and the judge that it trusts. */
import { describe, expect, test } from "vitest";
import { runJobsChaos } from "../chaos/jobs-chaos.ts";
import { judge } from "../chaos/jobs-judge.ts";
import type { Evidence, SeenJob, Told } from "../chaos/jobs-judge.ts";
import { planJobs } from "../chaos/jobs-plan.ts";

/** Fixed, so that a failure is the code's and not the day's. */
const SEED = 42;

test("60 jobs survive two kills of the router and failing endpoints: each ends once, each key has one effect", async () => {
  const report = await runJobsChaos({
    jobs: 60,
    kills: 2,
    seed: SEED,
    concurrency: 20,
    // A kill that meets an answer to a pulling worker costs a lease of 30 s; the large run has them.
    workers: 0,
    deadWorkers: 0,
    limitMs: 20_000,
  });
  expect(report.violations).toEqual([]);
  expect(report.kills).toBe(2);
  expect([...report.statuses.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(60);
});

test("the same seed gives the same plan", () => {
  const options = { jobs: 50, kills: 3, seed: SEED, deadWorkers: 1 };
  expect(planJobs(options)).toEqual(planJobs(options));
  expect(planJobs(options).disturbances.filter(({ what }) => what.kind === "kill")).toHaveLength(3);
});

describe("the judge", () => {
  const wish = {
    n: 7,
    tenant: "red",
    key: "key-7",
    copies: 1,
    misuse: false,
    cancel: false,
    hook: false,
    stream: false,
    maxTokens: 1,
  } as const;
  const line = (status: SeenJob["status"], second: number) => ({ status, at: `2050-01-01T00:00:0${second}Z`, why: "" });
  const job: SeenJob = {
    id: "a",
    status: "completed",
    attempts: 1,
    tags: { n: "7" },
    history: [line("queued", 1), line("running", 2), line("completed", 3)],
  };
  const told: Told = { wish, ids: new Set(["a"]), sent: 1, unanswered: 0, cancelled: new Map() };
  const fine: Evidence = { told: [told], jobs: [job], ends: [], runs: new Map([["a", 1]]), hooked: new Set() };
  const of = (changes: Partial<SeenJob>): Partial<Evidence> => ({ jobs: [{ ...job, ...changes }] });

  test("finds nothing where all is well", () => {
    expect(judge(fine)).toEqual([]);
  });

  type Case = readonly [name: string, changes: Partial<Evidence>, says: RegExp];
  const cases: readonly Case[] = [
    ["a lost job", { jobs: [] }, /lost/],
    ["a wish that was never accepted", { told: [{ ...told, ids: new Set<string>() }] }, /never accepted/],
    ["two ids under one key", { told: [{ ...told, ids: new Set(["a", "b"]) }] }, /one key/],
    ["a second job under one key, of which nobody was told", { jobs: [job, { ...job, id: "b" }] }, /made 2 jobs/],
    ["a job that nobody submitted", { jobs: [job, { ...job, id: "b", tags: { n: "8" } }] }, /nobody submitted/],
    ["a job that goes on", of({ status: "running", history: job.history.slice(0, 2) }), /has not ended/],
    ["two ends", of({ history: [...job.history, line("completed", 4)] }), /ended 2 times/],
    [
      "a history that steps back",
      of({ history: [line("queued", 2), line("running", 1), line("completed", 3)] }),
      /steps back/,
    ],
    ["a step that does not exist", of({ history: [line("queued", 1), line("completed", 3)] }), /queued → completed/],
    [
      "a failure that had attempts left",
      of({ status: "failed", history: [line("queued", 1), line("running", 2), line("failed", 3)] }),
      /failed after 1/,
    ],
    ["more attempts than starts", of({ attempts: 2 }), /2 attempts, 1 starts/],
    ["an end that was told and changed", { ends: [{ id: "a", status: "failed" }] }, /was told as failed/],
    [
      "a cancel that was answered and forgotten",
      { told: [{ ...told, cancelled: new Map([["a", "cancelled"]]) }] },
      /its cancel/,
    ],
    ["more runs than claims", { runs: new Map([["a", 2]]) }, /ran 2 times/],
    ["a result from nowhere", { runs: new Map() }, /without having run/],
    [
      "a run of no job",
      {
        runs: new Map([
          ["a", 1],
          ["x", 1],
        ]),
      },
      /x: ran and is unknown/,
    ],
    ["a webhook that never came", { told: [{ ...told, wish: { ...wish, hook: true } }] }, /webhook/],
  ];

  test.each(cases)("finds %s", (_, changes, says) => {
    expect(judge({ ...fine, ...changes })).toContainEqual(expect.stringMatching(says));
  });
});
