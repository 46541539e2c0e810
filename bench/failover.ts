/**
 * `npm run bench:failover`: what a client sees while an endpoint misbehaves in sixteen ways, and what the endpoint
 * sees.
 *
 * Model. Scenarios, timings and verdicts of a public benchmark, Failover Bench
 * (https://github.com/failoverbench/failoverbench), in our own code, so that the figures may be laid beside the
 * published ones. One pool of two endpoints for each scenario, the second 60 ms farther; the router is the shipped
 * `serve` with its defaults. Each row has its own router and its own wall, so rows run side by side; the scenarios of a
 * row run one after the other, since an effect of one on the next would be a finding.
 *
 * Differences from the published runs: the fallback is a second endpoint of the pool and not a second model that the
 * client names; it calls its model by another name, so that S16 can ask who answered. For S12 its context is the longer
 * one.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { installPython, nodeClient, pythonClient, rawClient } from "./failover-clients.ts";
import type { Client, Router } from "./failover-clients.ts";
import { details, scorecard, totals } from "./failover-report.ts";
import type { Cell, Row } from "./failover-report.ts";
import { HEALTHY_MODEL, modelOf, SCENARIOS, TIMINGS } from "./failover-scenarios.ts";
import type { Scenario, Timings } from "./failover-scenarios.ts";
import { isWhole, score } from "./failover-score.ts";
import type { Sent } from "./failover-score.ts";
import { startStage } from "./failover-stage.ts";
import { startWall } from "./failover-wall.ts";
import type { Wall } from "./failover-wall.ts";

const usage = `npm run bench:failover -- [options]
  --fast           short delays, about 40 s in all: for work on the code, its verdicts are compared with nobody's
  --only <ids>     only these scenarios, such as S07 or S01,S03
  --rows <names>   of raw, node, python (default: all; python needs python3 and a package index)
  --json <file>    also write every cell there
  --help           this text`;

const ROWS = ["raw", "node", "python"] as const;
/** The look at whether the router still lives, ms. */
const ALIVE_MS_MAX = 10_000;

export type Options = {
  readonly profile: "full" | "fast";
  readonly scenarios: readonly Scenario[];
  readonly rows: readonly (typeof ROWS)[number][];
  readonly jsonPath: string | null;
};

/** Throws an Error with one line for a person; null when help was asked for. */
export function readOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      fast: { type: "boolean", default: false },
      only: { type: "string" },
      rows: { type: "string", default: ROWS.join(",") },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const ids = values.only?.split(",") ?? SCENARIOS.map(({ id }) => id);
  const unknown = ids.find((id) => !SCENARIOS.some((scenario) => scenario.id === id));
  if (unknown !== undefined) throw new Error(`--only takes S01 to S16, not ${unknown}`);
  const rows = values.rows.split(",");
  const strange = rows.find((row) => !(ROWS as readonly string[]).includes(row));
  if (strange !== undefined) throw new Error(`--rows takes ${ROWS.join(", ")}, not ${strange}`);
  return {
    profile: values.fast ? "fast" : "full",
    scenarios: SCENARIOS.filter(({ id }) => ids.includes(id)),
    rows: ROWS.filter((row) => rows.includes(row)),
    jsonPath: values.json === undefined ? null : resolve(values.json),
  };
}

type Opened = { readonly wall: Wall; readonly client: Client; close(): Promise<void> };

async function openRow(timings: Timings, clientOf: (router: Router) => Client): Promise<Opened> {
  const wall = await startWall(timings);
  try {
    const stage = await startStage(wall);
    const client = clientOf(stage.router);
    return {
      wall,
      client,
      async close() {
        client.close();
        await stage.close();
        await wall.close();
      },
    };
  } catch (error) {
    await wall.close();
    throw error;
  }
}

async function runScenario({ wall, client }: Opened, scenario: Scenario, timings: Timings): Promise<Cell> {
  wall.begin();
  const beganAtMs = performance.now();
  const { count, everyMs } = scenario.sequence ? timings.sequence : { count: 1, everyMs: 0 };
  const sent: Sent[] = [];
  for (let at = 0; at < count; at++) {
    await sleep(Math.max(0, beganAtMs + at * everyMs - performance.now()));
    const sentAtS = (performance.now() - beganAtMs) / 1_000;
    const call = { model: modelOf(scenario), stream: true, deadlineMs: scenario.wallSMax * 1_000 };
    sent.push({ ...(await client.ask(call)), sentAtS });
  }
  const attempts = [...wall.attempts()];
  const healthy = await client.ask({ model: HEALTHY_MODEL, stream: false, deadlineMs: ALIVE_MS_MAX });
  const alive = healthy.outcome === "answer" && isWhole(healthy.text);
  const seen = { sent, attempts, alive, downS: timings.downMs / 1_000 };
  return { ...score(scenario, seen), scenario, seen };
}

async function runRow(opened: Opened, { scenarios, profile }: Options): Promise<Row> {
  const startedAtMs = performance.now();
  const cells: Cell[] = [];
  for (const scenario of scenarios) {
    const cell = await runScenario(opened, scenario, TIMINGS[profile]);
    console.error(`${opened.client.name}: ${scenario.id} ${cell.verdict}`);
    cells.push(cell);
  }
  return { client: opened.client.name, cells, tookMs: performance.now() - startedAtMs };
}

async function main(options: Options): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "warmpath-failover-python-"));
  const open: Opened[] = [];
  const rows: Row[] = [];
  try {
    // One after the other: they bundle into the same folder.
    for (const name of options.rows) {
      const python = name === "python" ? installPython(folder) : { python: "" };
      if ("skipped" in python) rows.push({ client: "openai for Python", skipped: python.skipped });
      else {
        const clientOf = {
          raw: rawClient,
          node: nodeClient,
          python: (router: Router) => pythonClient(router, python.python),
        };
        open.push(await openRow(TIMINGS[options.profile], clientOf[name]));
      }
    }
    rows.unshift(...(await Promise.all(open.map((opened) => runRow(opened, options)))));
  } finally {
    for (const opened of open) await opened.close();
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`Profile ${options.profile}; a cell is verdict, attempts at the first + the second endpoint, seconds.\n`);
  console.log(`${scorecard(rows)}\n\n${totals(rows, options.scenarios.length)}\n\n${details(rows)}`);
  if (options.jsonPath !== null) writeFileSync(options.jsonPath, `${JSON.stringify(rows, null, 2)}\n`);
  const failed = rows.some((row) => "cells" in row && row.cells.some(({ verdict }) => verdict === "fail"));
  return failed ? 1 : 0;
}

if (import.meta.main) {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options === null) console.log(usage);
    else process.exitCode = await main(options);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
