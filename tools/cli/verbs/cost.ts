/** `warmpath cost`: what `workers` from a minimum to a maximum cost, and how long requests wait for a cold start. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { type FleetCost, fleetCost, type Load, type Workers } from "../../cost/fleet-cost.ts";
import { GPU_PRICE_PER_S } from "../../cost/gpu-prices.ts";
import { loadOfTrace, loadOfTraffic } from "../../cost/loads.ts";
import { parseTrace } from "../../sim/trace.ts";
import { type Io, several, table, Trouble } from "./io.ts";

type Options = {
  readonly workers?: readonly string[];
  readonly gpu?: readonly string[];
  readonly perHour: string;
  readonly seconds: string;
  readonly hours: string;
  readonly hoursActive: string;
  readonly slots: string;
  readonly scaler: string;
  readonly idle: string;
  readonly cold: string;
  readonly gpuCount: string;
  readonly price?: string;
  readonly trace?: string;
  readonly tokensPerS: string;
  readonly seed: string;
  readonly json?: boolean;
};

const WORKERS_DEFAULT = ["0,3", "1,3", "3,3"];
const GPU_DEFAULT = "ADA_24";
const SECONDS_PER_HOUR = 3_600;
/** More would be minutes of waiting for a figure. */
const REQUESTS_MAX = 2_000_000;

export function addCost(program: Command, io: Io): void {
  program
    .command("cost")
    .description("what GPU workers cost an hour and how long requests wait, for workers (0|1|3, n), by simulation")
    .option("--workers <min,max>", `may be given several times (default ${WORKERS_DEFAULT.join(" ")})`, several)
    .option("--gpu <pool>", `GPU pool by Runpod's name, may be given several times (default ${GPU_DEFAULT})`, several)
    .option("--gpu-count <n>", "GPUs of a worker", "1")
    .option("--price <amount>", "of one GPU for a second, in place of Runpod's list price")
    .option("--per-hour <n>", "requests an hour, while there are any", "60")
    .option("--hours-active <n>", "hours of each day in which requests come", "24")
    .option("--hours <n>", "hours to look at", "168")
    .option("--seconds <n>", "mean time that a request takes, s", "4")
    .option("--trace <file>", "arrivals of an Azure or Mooncake trace, in place of a rate")
    .option("--tokens-per-s <n>", "with a trace: how fast one answer is written", "50")
    .option("--slots <n>", "requests that one GPU worker serves at once", "8")
    .option("--scaler <n>", "requests per GPU worker at which the platform adds one", "4")
    .option("--idle <seconds>", "idle time after which a GPU worker goes", "300")
    .option("--cold <from,to>", "a cold start, s", "20,90")
    .option("--seed <n>", "of the draws", "1")
    .option("--json", "the figures as JSON")
    .action((options: Options) => cost(io, options));
}

type Row = FleetCost & {
  readonly workers: string;
  readonly gpu: string;
  /** null: no price is known. */
  readonly perHour: number | null;
  readonly perRequest: number | null;
};

function cost(io: Io, options: Options): void {
  const load = loadOf(io, options);
  const hours = load.horizonMs / 3_600_000;
  const seed = count("seed", options.seed, 0, Number.MAX_SAFE_INTEGER);
  const gpus = options.gpu ?? [GPU_DEFAULT];
  const rows: Row[] = (options.workers ?? WORKERS_DEFAULT).flatMap((written) => {
    const result = fleetCost(load, workersOf(written, options), seed);
    return gpus.map((gpu) => {
      const price = priceOf(gpu, options);
      const total = price === null ? null : result.workerHours * SECONDS_PER_HOUR * price;
      return {
        ...result,
        workers: written,
        gpu,
        perHour: total === null || hours === 0 ? null : total / hours,
        perRequest: total === null || result.requests === 0 ? null : total / result.requests,
      };
    });
  });
  if (options.json) {
    io.out(JSON.stringify({ hours, rows }, null, 2));
    return;
  }
  io.out(rowsTable(rows));
  io.err(
    `${load.arrivalMs.length} requests in ${hours.toFixed(1)} h; waits are until a GPU worker takes a request, beside the network and the answer itself`,
  );
}

function rowsTable(rows: readonly Row[]): string {
  const s = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  const money = (amount: number | null, digits: number): string =>
    amount === null ? "not known" : `$${amount.toFixed(digits)}`;
  return table(
    [
      "workers",
      "GPU",
      "an hour",
      "a request",
      "first wait",
      "p50",
      "p95",
      "p99",
      "longest",
      "met a cold start",
      "cold starts",
    ],
    rows.map(({ workers, gpu, perHour, perRequest, waitMs, shareCold, coldStarts }) => [
      `(${workers})`,
      gpu,
      money(perHour, 3),
      money(perRequest, 5),
      s(waitMs.first),
      s(waitMs.p50),
      s(waitMs.p95),
      s(waitMs.p99),
      s(waitMs.max),
      `${(shareCold * 100).toFixed(1)} %`,
      `${coldStarts}`,
    ]),
  );
}

function loadOf(io: Io, options: Options): Load {
  const seed = count("seed", options.seed, 0, Number.MAX_SAFE_INTEGER);
  if (options.trace !== undefined) {
    const rows = parseTrace(readText(io, options.trace));
    if (!rows.ok) throw new Trouble("bad_trace", `${options.trace}: ${rows.error}`);
    return loadOfTrace(rows.value, count("tokens-per-s", options.tokensPerS, 0.001, 1_000_000));
  }
  const traffic = {
    perHour: count("per-hour", options.perHour, 0.001, 10_000_000),
    seconds: count("seconds", options.seconds, 0.001, 86_400),
    hours: count("hours", options.hours, 0.01, 100_000),
    hoursActive: count("hours-active", options.hoursActive, 0.01, 24),
  };
  if ((traffic.perHour * traffic.hours * traffic.hoursActive) / 24 > REQUESTS_MAX) {
    throw new Trouble("too_many", `that is more than ${REQUESTS_MAX} requests`, "look at fewer --hours");
  }
  return loadOfTraffic(traffic, seed);
}

function readText(io: Io, file: string): string {
  try {
    return readFileSync(resolve(io.cwd, file), "utf8");
  } catch {
    throw new Trouble("bad_trace", `${file} cannot be read`);
  }
}

function workersOf(written: string, options: Options): Workers {
  const [, min = "", max = ""] = /^(\d{1,4}),(\d{1,4})$/.exec(written) ?? [];
  if (max === "" || Number(max) < Math.max(1, Number(min))) {
    throw new Trouble("bad_option", `--workers takes min,max such as 1,3, not ${written}`);
  }
  const [, from = "", to = ""] = /^(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)$/.exec(options.cold) ?? [];
  if (to === "" || Number(to) < Number(from))
    throw new Trouble("bad_option", `--cold takes from,to in seconds such as 20,90, not ${options.cold}`);
  return {
    min: Number(min),
    max: Number(max),
    slots: count("slots", options.slots, 1, 4_096),
    scalerValue: count("scaler", options.scaler, 1, 1_000),
    idleMs: count("idle", options.idle, 1, 3_600) * 1_000,
    coldMs: { from: Number(from) * 1_000, to: Number(to) * 1_000 },
  };
}

/** Of a GPU worker for a second; null: not known. */
function priceOf(gpu: string, { price, gpuCount }: Options): number | null {
  const one = price === undefined ? (GPU_PRICE_PER_S[gpu] ?? null) : count("price", price, 0, 1_000);
  return one === null ? null : one * count("gpu-count", gpuCount, 1, 16);
}

function count(option: string, given: string, min: number, max: number): number {
  const value = Number(given);
  if (given.trim() !== "" && Number.isFinite(value) && value >= min && value <= max) return value;
  throw new Trouble("bad_option", `--${option} takes a number from ${min} to ${max}, not ${given}`);
}
