/** The clients of a chaos run of jobs: they submit, repeat, cancel, and read until every job has ended. */
import type { JobStatus } from "../../src/jobs/core/messages.ts";
import { seededRng } from "../../src/lib/rng.ts";
import type { JobRequest } from "./jobs-plan.ts";
import { endOf } from "./jobs-receiver.ts";
import type { JobsRun } from "./jobs-run.ts";

/** How long one read waits for an end, ms. */
const WAIT_MS = 5_000;
/** A reader looks at any job this often, ms: what it was told must stay. */
const GLANCE_MS = 10;

type Submission = { readonly ids: Set<string>; sent: number; unanswered: number };

export async function runClients(run: JobsRun, wishes: readonly JobRequest[]): Promise<void> {
  const glancing = glance(run);
  await inParallel(run.options.concurrency, wishes, async (wish) => {
    const made: Submission = { ids: new Set(), sent: 0, unanswered: 0 };
    await Promise.all(Array.from({ length: wish.copies }, async () => submit(run, wish, made)));
    if (wish.misuse) await misuse(run, wish);
    const cancelled = new Map<string, JobStatus>();
    if (wish.cancel) for (const id of made.ids) cancelled.set(id, await cancel(run, wish, id));
    run.told.push({ wish, ...made, cancelled });
  });
  await inParallel(run.options.concurrency, run.told, async ({ wish, ids }) => {
    for (const id of ids) await untilEnd(run, wish, id);
  });
  run.over = true;
  await glancing;
}

async function inParallel<Item>(
  width: number,
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}

/** One call; null when the connection broke, which only a kill may do. */
async function call(run: JobsRun, wish: JobRequest, path: string, init: RequestInit = {}) {
  const { fleet } = run;
  await run.away;
  const kills = run.kills;
  const headers = { ...(init.headers as Record<string, string>), authorization: `Bearer ${fleet.keyOf(wish.tenant)}` };
  try {
    const response = await fetch(fleet.router.url + path, { ...init, headers });
    return { status: response.status, headers: response.headers, json: (await response.json()) as Answer };
  } catch (error) {
    if (run.kills === kills) run.violations.push(`${path}: a connection broke that nobody broke: ${String(error)}`);
    return null;
  }
}

type Answer = { readonly id?: string; readonly status?: string };

const isLate = (run: JobsRun): boolean => Date.now() >= run.giveUpAtMs;

async function again(headers: Headers): Promise<void> {
  const ms = Number(headers.get("retry-after-ms") ?? 100);
  await new Promise((resolve) => setTimeout(resolve, ms));
}

function bodyOf({ fleet, receiver }: JobsRun, { hook, stream, maxTokens }: JobRequest): string {
  const messages = [{ role: "user", content: "x" }];
  return JSON.stringify({
    input: { model: fleet.model, messages, max_tokens: maxTokens, ignore_eos: true, stream },
    ...(hook ? { webhook: receiver.url } : {}),
  });
}

function headersOf({ n, key }: JobRequest): Record<string, string> {
  const headers = { "content-type": "application/json", "x-warmpath-tags": `n=${n}` };
  return key === null ? headers : { ...headers, "idempotency-key": key };
}

/** Again until it is answered, as a client that retries does. */
async function submit(run: JobsRun, wish: JobRequest, made: Submission): Promise<void> {
  while (!isLate(run)) {
    made.sent += 1;
    const answer = await call(run, wish, "/v2/main/run", {
      method: "POST",
      headers: headersOf(wish),
      body: bodyOf(run, wish),
    });
    if (answer?.status === 200 && answer.json.id !== undefined) {
      made.ids.add(answer.json.id);
      return;
    }
    if (answer === null) made.unanswered += 1;
    else if (answer.status === 429) await again(answer.headers);
    else run.violations.push(`wish ${wish.n}: was answered ${answer.status} ${JSON.stringify(answer.json)}`);
  }
}

/** The key is taken: another body under it is a mistake, and makes nothing. */
async function misuse(run: JobsRun, wish: JobRequest): Promise<void> {
  while (!isLate(run)) {
    const body = bodyOf(run, { ...wish, maxTokens: wish.maxTokens + 1 });
    const answer = await call(run, wish, "/v2/main/run", { method: "POST", headers: headersOf(wish), body });
    if (answer?.status === 422) return;
    if (answer?.status === 429) await again(answer.headers);
    else if (answer !== null) {
      run.violations.push(`wish ${wish.n}: another body under its key was answered ${answer.status}`);
      return;
    }
  }
}

async function cancel(run: JobsRun, wish: JobRequest, id: string): Promise<JobStatus> {
  while (!isLate(run)) {
    const answer = await call(run, wish, `/v2/main/cancel/${id}`, { method: "POST" });
    const end = endOf(answer?.json.status ?? "");
    if (answer?.status === 200 && end !== null) {
      run.ends.push({ id, status: end });
      return end;
    }
    if (answer?.status === 429) await again(answer.headers);
    else if (answer !== null) {
      run.violations.push(`${id}: its cancel was answered ${answer.status} ${answer.json.status ?? ""}`);
      break;
    }
  }
  return "queued";
}

/** A read that waits; nothing else keeps the queue awake. */
async function untilEnd(run: JobsRun, wish: JobRequest, id: string): Promise<void> {
  while (!isLate(run)) {
    const answer = await call(run, wish, `/v2/main/status-sync/${id}?wait=${WAIT_MS}`);
    if (answer === null) continue;
    if (answer.status === 429) await again(answer.headers);
    else if (answer.status !== 200) {
      run.violations.push(`${id}: was accepted, and its status is ${answer.status}`);
      return;
    } else {
      const end = endOf(answer.json.status ?? "");
      if (end === null) continue;
      run.ends.push({ id, status: end });
      return;
    }
  }
  run.violations.push(`${id}: had not ended when the time was up`);
}

/** Reads jobs at random all the while: an end that was told before a kill is still the end after it. */
async function glance(run: JobsRun): Promise<void> {
  const rng = seededRng(run.options.seed + 1);
  while (!run.over && !isLate(run)) {
    await new Promise((resolve) => setTimeout(resolve, GLANCE_MS));
    const told = run.told[Math.floor(rng() * run.told.length)];
    const [id] = told?.ids ?? [];
    if (told === undefined || id === undefined) continue;
    const answer = await call(run, told.wish, `/v2/main/status/${id}`);
    const end = endOf(answer?.json.status ?? "");
    if (end !== null) run.ends.push({ id, status: end });
  }
}
