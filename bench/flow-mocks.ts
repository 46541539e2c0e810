/**
 * The servers behind the flow benchmark, as one process of their own: the check service, which takes 250 ms, and the
 * model, which takes 1 s. It counts what it answers, so that a run can show that every question had its three checks.
 *
 * The same process answers at `barePath` after the whole floor: load sent there meets no router, and shows what the
 * load generator and these mocks can do by themselves.
 */
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createHistogram, quantile, record } from "../src/lib/histogram.ts";
import { checkAnswer } from "./flow-config.ts";
import { createDelayLine } from "./flow-delay.ts";
import type { DelayLine } from "./flow-delay.ts";
import {
  barePath,
  CHECKS,
  CHECK_MS,
  FLOORS_MS,
  MODEL_MS,
  QUESTION_TEXT,
  SCORE_PATH,
  scoreAnswer,
} from "./flow-workload.ts";

/** Since the last time they were taken. */
export type MockCounts = {
  /** Answers by path. */
  readonly answers: Readonly<Record<string, number>>;
  /** Checks that were not given the question's text: they took their time, and could not have found anything. */
  readonly blindChecks: number;
  /** How much longer than their delay answers were held, ms; null without one. */
  readonly lateMsP50: number | null;
  readonly lateMsP99: number | null;
};

/** Asks the process for its `MockCounts`, which begin again at zero. */
export const TAKE = "take";

/** More new connections in one turn than the most users that a run has. */
const BACKLOG = 16_384;
/** Longer than any run: whoever is measured decides when a connection ends. */
const KEEP_ALIVE_MS = 3_600_000;

type Mock = { readonly line: DelayLine; readonly delayMs: number; readonly body: (heldMs: number) => string };

function mocks(): ReadonlyMap<string, Mock> {
  const checks = createDelayLine(CHECK_MS);
  return new Map<string, Mock>([
    ...CHECKS.map((name): [string, Mock] => [
      `/${name}`,
      { line: checks, delayMs: CHECK_MS, body: () => checkAnswer() },
    ]),
    [SCORE_PATH, { line: createDelayLine(MODEL_MS), delayMs: MODEL_MS, body: scoreAnswer }],
    ...FLOORS_MS.map((delayMs): [string, Mock] => [
      barePath(delayMs),
      { line: createDelayLine(delayMs), delayMs, body: scoreAnswer },
    ]),
  ]);
}

function serve(): void {
  const byPath = mocks();
  const checkPaths = new Set(CHECKS.map((name) => `/${name}`));
  let answers: Record<string, number> = {};
  let blindChecks = 0;
  let lateness = createHistogram();
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    const mock = byPath.get(path);
    if (checkPaths.has(path)) {
      let sees = false;
      request.on("data", (chunk: Buffer) => (sees ||= chunk.includes(QUESTION_TEXT)));
      request.on("end", () => (blindChecks += sees ? 0 : 1));
    } else request.resume();
    if (mock === undefined) {
      // The router asks for health; whatever else comes is a mistake.
      send(response, path === "/health" ? 200 : 404, "{}");
      return;
    }
    mock.line.hold((heldMs) => {
      record(lateness, heldMs - mock.delayMs);
      answers[path] = (answers[path] ?? 0) + 1;
      send(response, 200, mock.body(heldMs));
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen({ port: 0, host: "127.0.0.1", backlog: BACKLOG }, () => {
    process.send?.({ port: (server.address() as AddressInfo).port });
  });
  process.on("message", (message) => {
    if (message !== TAKE) return;
    const [lateMsP50, lateMsP99] = [quantile(lateness, 0.5), quantile(lateness, 0.99)];
    process.send?.({ answers, blindChecks, lateMsP50, lateMsP99 } satisfies MockCounts);
    answers = {};
    blindChecks = 0;
    lateness = createHistogram();
  });
  process.on("disconnect", () => process.exit());
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "application/json", "content-length": body.length });
  response.end(body);
}

if (import.meta.main) serve();
