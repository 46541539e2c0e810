/**
 * The workload of the flow benchmark, and what no server can exceed on it.
 *
 * Model. Three checks in parallel and then one call to a model, as in the published benchmark of prompt-flow's servers
 * (`benchmark/promptflow-serve` in its repository): a check takes 250 ms, the model 1 s, a user thinks 1 to 2 s between
 * an answer and the next question. The loop is closed, so requests per second are bounded by the users' own pace,
 * however fast the server is: `harnessCeiling` plays that loop with a server that takes exactly the floor.
 */
import { seededRng } from "../src/lib/rng.ts";
import type { Rng } from "../src/lib/rng.ts";

/** Public path, and the path at the mock of the model. */
export const SCORE_PATH = "/score";
/** Each is one external rail and one path of the check service. */
export const CHECKS = ["check-1", "check-2", "check-3"] as const;
export const CHECK_MS = 250;
export const MODEL_MS = 1_000;

/** The least that a question can take, ms: the checks and then the model, or the model alone. */
export const FLOORS_MS = [CHECK_MS + MODEL_MS, MODEL_MS] as const;

/** Answers in the score's shape after `delayMs`, with no router in between. */
export const barePath = (delayMs: number): string => `/bare/${delayMs}`;

/** Locust's `between(1, 2)`. */
const THINK_MS_MIN = 1_000;
const THINK_MS_MAX = 2_000;

/** `acquire`: the model is asked when all checks have passed. `dispatch`: it is asked at once, its answer withheld. */
export const OVERLAPS = ["acquire", "dispatch"] as const;
export type Overlap = (typeof OVERLAPS)[number];

export type Users = {
  readonly users: number;
  /** Users that begin per second, evenly, the first at once. */
  readonly rampPerSecond: number;
  /** From the first user's beginning; answers that come later do not count. */
  readonly windowMs: number;
};

export const thinkMs = (rng: Rng): number => THINK_MS_MIN + rng() * (THINK_MS_MAX - THINK_MS_MIN);

/** When a user begins, ms after the first. */
export const beginsAtMs = (user: number, { rampPerSecond }: Users): number => (user * 1_000) / rampPerSecond;

export function floorMs(overlap: Overlap, hasChecks: boolean): number {
  const [afterChecks, modelAlone] = FLOORS_MS;
  return hasChecks && overlap === "acquire" ? afterChecks : modelAlone;
}

/** Answers in the window when every one takes exactly `latencyMs`. */
export function harnessCeiling(users: Users, latencyMs: number): number {
  const rng = seededRng(1);
  let answers = 0;
  for (let user = 0; user < users.users; user += 1) {
    let answeredAtMs = beginsAtMs(user, users) + latencyMs;
    for (; answeredAtMs <= users.windowMs; answeredAtMs += thinkMs(rng) + latencyMs) answers += 1;
  }
  return answers;
}

export const QUESTION_TEXT = "Test question";
const QUESTION = JSON.stringify({ question: QUESTION_TEXT, chat_history: [] });

/** One question as it goes over the wire. */
export function scoreRequest(path: string): Buffer {
  const head = [
    `POST ${path} HTTP/1.1`,
    "host: localhost",
    "user-agent: warmpath-bench",
    "accept: */*",
    "content-type: application/json",
    `content-length: ${QUESTION.length}`,
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${QUESTION}`);
}

/** What a flow of that benchmark answers; `heldMs` is how long the node really took. JSON would write 1.0 as 1. */
export function scoreAnswer(heldMs: number): string {
  const held = (heldMs / 1_000).toFixed(16);
  return `{"answer":{"total_time_sec":1.0,"min_wait_time_sec":1,"max_wait_time_sec":1,"pf_node_time_sec":${held},"type":"pf_dag_async"}}`;
}

const SCORE_ANSWER =
  /^\{"answer":\{"total_time_sec":1\.0,"min_wait_time_sec":1,"max_wait_time_sec":1,"pf_node_time_sec":\d+\.\d+,"type":"pf_dag_async"\}\}$/;

export const isScoreAnswer = (body: string): boolean => SCORE_ANSWER.test(body);
