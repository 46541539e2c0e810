/** A queue of the fixture's pool, endpoints that answer what a test says, and submissions with everything filled in. */
import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, vi } from "vitest";
import type { JobPolicy, JobView, SubmitRequest } from "../../src/jobs/core/messages.ts";
import type { JobQueue } from "../../src/jobs/object/job-queue.ts";
import { loadParts } from "./load-parts.ts";

const { JOB_QUEUE } = env as unknown as { readonly JOB_QUEUE?: DurableObjectNamespace<JobQueue> };

/** In the future, so that no alarm comes by itself: tests bring them. */
export const START_MS = Date.UTC(2050, 0, 1);
export const TENANT = "acme";

export type Call = {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string;
  readonly signal: AbortSignal | null;
};
export type Answerer = (call: Call) => Response | Promise<Response>;

/** What endpoints and receivers were sent, probes left out. */
export const sent: Call[] = [];

let answerer: Answerer = () => Response.json({ output: "done" });
export function answerWith(next: Answerer): void {
  answerer = next;
}

/**
 * Opened by the test; looked at by whoever waits, since a promise of another context may not be awaited in an object.
 */
export type Latch = { isOpen: boolean };
export const latch = (): Latch => ({ isOpen: false });

/** Answers once the latch is open, or breaks off when it is aborted. */
export async function held(
  { signal }: Call,
  on: Latch,
  answer = () => Response.json({ output: "held" }),
): Promise<Response> {
  while (!on.isOpen) {
    if (signal?.aborted === true) throw new Error("aborted");
    await scheduler.wait(1);
  }
  return answer();
}

async function fakeFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const url = input instanceof Request ? input.url : String(input);
  const method = init?.method ?? "GET";
  // Endpoints are warm: every probe is answered.
  if (method === "GET") return new Response("");
  const body = init?.body === undefined || init.body === null ? "" : await new Response(init.body as BodyInit).text();
  const call: Call = { url, method, headers: new Headers(init?.headers), body, signal: init?.signal ?? null };
  sent.push(call);
  return answerer(call);
}

export function useQueue(): void {
  beforeAll(loadParts);
  beforeEach(() => {
    sent.length = 0;
    answerer = () => Response.json({ output: "done" });
    vi.useFakeTimers({ toFake: ["Date"], now: START_MS });
    vi.spyOn(globalThis, "fetch").mockImplementation(fakeFetch as typeof fetch);
  });
  afterEach(async () => {
    await reset();
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
}

export const queue = () => JOB_QUEUE?.getByName("jobs:llama-test") as DurableObjectStub<JobQueue>;

export async function inQueue<Value>(
  work: (storage: DurableObjectStorage, object: JobQueue) => Value | Promise<Value>,
) {
  return runInDurableObject(queue(), async (object, { storage }) => work(storage, object));
}

/** Time passes, and the alarm comes. */
export async function passMs(ms: number): Promise<void> {
  vi.setSystemTime(Date.now() + ms);
  await inQueue(async (_, object) => object.alarm());
}

const POLICY: JobPolicy = {
  executionTimeoutMs: 600_000,
  ttlMs: 86_400_000,
  startWithinMs: null,
  priority: 5,
  attemptsMax: 3,
  notBeforeMs: null,
  retentionMs: 1_800_000,
};

type Wish = Partial<Omit<SubmitRequest, "policy" | "work">> & {
  readonly policy?: Partial<JobPolicy>;
  readonly work?: Partial<SubmitRequest["work"]>;
};

let count = 0;
export function request(wish: Wish = {}): SubmitRequest {
  count += 1;
  const work = {
    kind: "runpod",
    method: "POST",
    path: "/runsync",
    headers: {},
    body: `{"n":${count}}`,
    stream: false,
  } as const;
  return {
    jobId: `job-${count}`,
    tenant: TENANT,
    webhook: null,
    idempotencyKey: null,
    bodyHash: "hash",
    tags: {},
    batchId: null,
    ...wish,
    work: { ...work, ...wish.work },
    policy: { ...POLICY, ...wish.policy },
  };
}

/** Submits, and fails the test when it is not accepted. */
export async function submit(wish: Wish = {}): Promise<JobView> {
  const outcome = await queue().submit(request(wish));
  if (outcome.kind !== "accepted") throw new Error(`the job was answered ${outcome.kind}`);
  return outcome.job as JobView;
}

/** The job when it has ended; long enough for anything that needs no clock. */
export const ended = async (jobId: string) => queue().view(TENANT, jobId, 10_000);

export const viewNow = async (jobId: string) => queue().view(TENANT, jobId, 0);

export const statuses = (view: { readonly history: readonly { readonly status: string }[] } | null): string[] =>
  (view?.history ?? []).map(({ status }) => status);

/** Looks again until it is so; on the real clock, because `vi.waitFor` would move the one under test. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await scheduler.wait(1);
}

/** Resolves when so many requests were sent. */
export const sentCount = async (wanted: number): Promise<void> => until(() => sent.length >= wanted);

export const isIn = async (jobId: string, status: string): Promise<void> =>
  until(async () => (await viewNow(jobId))?.status === status);
