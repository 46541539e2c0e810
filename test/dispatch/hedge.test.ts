/**
 * A second attempt whose lease and whose answer come when the test says so: the orders of events that a whole fleet shows
 * too seldom. The shard and the endpoints here do nothing by themselves.
 */
import { createServer } from "node:http";
import type { Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BACKENDS } from "../../backends/registry.ts";
import type { AcquireReply, AcquireRequest, Report, Settlement } from "../../src/routing/core/shard-messages.ts";
import { createLeaseCache, deposit } from "../../src/routing/core/lease-client/lease-cache.ts";
import type { LeaseCache } from "../../src/routing/core/lease-client/lease-cache.ts";
import { invariant } from "../../src/lib/invariant.ts";
import { endLost } from "../../src/dispatch/attempt-end.ts";
import { createFailingRequests } from "../../src/dispatch/core/failing-requests.ts";
import { attemptHedged } from "../../src/dispatch/hedge.ts";
import type { Hedged } from "../../src/dispatch/course.ts";
import type { Upstream } from "../../src/dispatch/upstream.ts";
import { LeaseClient } from "../../src/routing/host/lease-client.ts";
import { endpointSpec, grantOf, poolSpec, US } from "../routing/core/shard/shard-fixture.ts";

type Result = Hedged<unknown>;

// By a name that the type checker does not follow: the module's types are those of the Workers runtime, not of Node.
const upstreamModule = "../../src/dispatch/http-upstream.ts";
const { httpUpstream } = (await import(/* @vite-ignore */ new URL(upstreamModule, import.meta.url).href)) as {
  httpUpstream: (runtime: unknown, pool: unknown, outgoing: unknown) => Upstream<unknown>;
};

const SHARD = "pool:pool:us";

const CLOCK = {
  now: () => Date.now(),
  after: (ms: number, fn: () => void) => {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
};

/** An endpoint that takes a request and waits for the test. */
async function startEndpoint(id: string) {
  const waiting: ServerResponse[] = [];
  let seen = Promise.withResolvers<void>();
  let left = Promise.withResolvers<void>();
  const server: Server = createServer((_, response) => {
    waiting.push(response);
    response.on("close", () => left.resolve());
    seen.resolve();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const target = {
    endpointId: id,
    url,
    authorization: null,
    concurrencyPerWorker: 4,
    healthUrl: url,
    healthAuthorization: null,
  };
  return {
    endpoint: { config: { id, executionTimeoutMs: 60_000 }, target, backend: BACKENDS.openai },
    requests: () => waiting.length,
    /** Resolves when a request is here. */
    asked: () => seen.promise,
    /** Resolves when its connection was closed. */
    closed: () => left.promise,
    // The lease of the second attempt may be asked for before the first has arrived here.
    async begin() {
      await seen.promise;
      waiting.at(-1)?.writeHead(200, { "content-type": "text/event-stream" }).write("data: {}\n\n");
    },
    async fail(status: number) {
      await seen.promise;
      waiting.at(-1)?.writeHead(status, { "content-length": 0 }).end();
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

type Endpoint = Awaited<ReturnType<typeof startEndpoint>>;

let first: Endpoint;
let second: Endpoint;
let leaseCache: LeaseCache;
let settled: Settlement[];
let asked: PromiseWithResolvers<AcquireRequest>;
let answer: PromiseWithResolvers<AcquireReply>;
let background: Promise<unknown>[];

beforeEach(async () => {
  [first, second] = [await startEndpoint("e1"), await startEndpoint("e2")];
  leaseCache = createLeaseCache("edge");
  settled = [];
  asked = Promise.withResolvers();
  answer = Promise.withResolvers();
  background = [];
});
afterEach(() => {
  first.close();
  second.close();
});

const HEDGE = { hedgeAfterMs: 0, moveAfterMs: Number.POSITIVE_INFINITY };
const MOVE = { hedgeAfterMs: Number.POSITIVE_INFINITY, moveAfterMs: 0 };

function start(clientGone: AbortSignal = new AbortController().signal, late = HEDGE): Promise<Result> {
  const shard = {
    acquire: (request: AcquireRequest) => {
      settled.push(...request.carry.settled);
      asked.resolve(request);
      return answer.promise;
    },
    report: async (report: Report) => {
      settled.push(...report.settled);
      return undefined;
    },
  };
  const leases = new LeaseClient(
    { leaseCache, flushUntilMs: 0 },
    {
      clock: CLOCK,
      rng: Math.random,
      spawn: (work) => void background.push(work),
      shardOf: () => ({ ...shard, awaitGrant: async () => Promise.reject(new Error("nothing is queued")) }),
    },
  );
  const spec = poolSpec([endpointSpec(), endpointSpec({ id: "e2" })]);
  const leaseRequest = { pool: spec, client: US, clientKey: "here", inputTokens: 0, excluded: [], explain: false };
  const pool = {
    config: { attemptsMax: 2, patienceMs: 60_000, queueWaitMsMax: 60_000 },
    failing: createFailingRequests(),
    endpoints: new Map([first, second].map(({ endpoint }) => [endpoint.config.id, endpoint])),
  };
  const outgoing = {
    method: "POST",
    path: "/v1/chat/completions",
    headers: {},
    body: null,
    stream: true,
    isClientsPath: false,
    protocol: null,
    firstByteTimeoutMs: 60_000,
    connectTimeoutMs: 60_000,
    mayLeave: false,
    stallTimeoutMs: 60_000,
    trace: null,
    clientGone,
  };
  const heldLease = deposit(
    leaseCache,
    `${SHARD}|here`,
    SHARD,
    grantOf("first-1", { endpointId: "e1" }),
    0,
    Date.now(),
  );
  const upstream = httpUpstream(null, pool, outgoing);
  const way = upstream.to("e1");
  invariant(way !== null, "it is an endpoint of the pool");
  return attemptHedged(leases, heldLease, way, outgoing, { late, pool, leaseRequest, upstream, tried: ["e1"] });
}

/** The shard grants the second lease, to `e2`. */
async function grant(): Promise<string> {
  const { leaseId } = await asked.promise;
  const outcome = { kind: "granted", grant: grantOf(leaseId, { endpointId: "e2" }) } as const;
  answer.resolve({ outcome, tight: false, snapshot: null, candidates: null });
  return leaseId;
}

/** Every settlement that was told by the time all is over. */
async function ends(): Promise<Record<string, string[]>> {
  // What runs in the background may start more of it.
  for (let done = 0; done < background.length; done++) await background[done];
  return Object.fromEntries(
    Object.entries(Object.groupBy(settled, ({ leaseId }) => leaseId)).map(([leaseId, all]) => [
      leaseId,
      (all ?? []).map(({ outcome }) => outcome),
    ]),
  );
}

const endpointOf = ({ result }: Result): string | null =>
  result.kind === "begun" ? result.attempt.way.endpointId : null;

describe("an attempt that is so late that it is moved", () => {
  test("asks for a place beside it, free of charge, and is told as late when the other answers", async () => {
    const answering = start(new AbortController().signal, MOVE);
    expect((await asked.promise).lateForMs).toBeGreaterThanOrEqual(0);
    const leaseId = await grant();
    await second.asked();
    second.begin();
    expect(endpointOf(await answering)).toBe("e2");
    await first.closed();
    expect(await ends()).toEqual({ "first-1": ["late"] });
    expect(settled.some((one) => one.leaseId === leaseId)).toBe(false);
  });

  test("goes on while nobody is better, and may still answer itself", async () => {
    const answering = start(new AbortController().signal, MOVE);
    await asked.promise;
    answer.resolve({ outcome: { kind: "shed", retryAfterMs: 1 }, tight: false, snapshot: null, candidates: null });
    await Promise.all(background);
    first.begin();
    expect(endpointOf(await answering)).toBe("e1");
  });

  test("says nothing of lateness when it is only hedged", async () => {
    const answering = start();
    expect((await asked.promise).lateForMs).toBeUndefined();
    first.begin();
    await answering;
    await grant();
    await ends();
  });
});

describe("the lease of a second attempt", () => {
  test("that comes after the first byte goes home unused, and nothing is sent under it", async () => {
    const answering = start();
    await asked.promise;
    await first.begin();
    const hedged = await answering;
    expect([endpointOf(hedged), hedged.isHedge]).toEqual(["e1", false]);
    const leaseId = await grant();
    expect(await ends()).toEqual({ [leaseId]: ["unused"] });
    expect(second.requests()).toBe(0);
  });

  test("that comes after the first attempt has failed serves in its place", async () => {
    const answering = start();
    await asked.promise;
    await first.fail(500);
    await grant();
    await second.asked();
    await second.begin();
    expect(endpointOf(await answering)).toBe("e2");
    expect(await ends()).toEqual({ "first-1": ["failed"] });
  });

  test("that is refused when the first attempt has failed leaves its failure", async () => {
    const answering = start();
    await asked.promise;
    await first.fail(503);
    answer.resolve({ outcome: { kind: "over_budget" }, tight: false, snapshot: null, candidates: null });
    const { result } = await answering;
    expect(result).toMatchObject({ kind: "lost", why: "capacity" });
    // Whoever repeats the request says whose refusal it was.
    if (result.kind === "lost") endLost(result);
    expect(await ends()).toEqual({ "first-1": ["capacity"] });
  });

  test("goes home unused when the client has left meanwhile", async () => {
    const client = new AbortController();
    const answering = start(client.signal);
    await asked.promise;
    client.abort();
    const leaseId = await grant();
    expect((await answering).result.kind).toBe("lost");
    expect(await ends()).toEqual({ "first-1": ["cancelled"], [leaseId]: ["unused"] });
  });
});

describe("of two attempts under way", () => {
  const both = async (clientGone?: AbortSignal) => {
    const answering = start(clientGone);
    const leaseId = await grant();
    await second.asked();
    return { answering, leaseId };
  };

  test("the loser is closed and settled once, as cancelled, when the second one wins", async () => {
    const { answering } = await both();
    await second.begin();
    const hedged = await answering;
    expect([endpointOf(hedged), hedged.isHedge]).toEqual(["e2", true]);
    await first.closed();
    expect(await ends()).toEqual({ "first-1": ["cancelled"] });
    // It counts as slow with what is known: that long it took at least.
    expect(settled[0]?.firstByteMs).toBe(settled[0]?.heldMs);
  });

  test("and so it is when the first one wins", async () => {
    const { answering, leaseId } = await both();
    await first.begin();
    expect(endpointOf(await answering)).toBe("e1");
    await second.closed();
    expect(await ends()).toEqual({ [leaseId]: ["cancelled"] });
    expect(settled[0]?.firstByteMs).toBeNull();
  });

  test("both are closed when the client leaves", async () => {
    const client = new AbortController();
    const { answering, leaseId } = await both(client.signal);
    client.abort();
    expect((await answering).result.kind).toBe("lost");
    await Promise.all([first.closed(), second.closed()]);
    expect(await ends()).toEqual({ "first-1": ["cancelled"], [leaseId]: ["cancelled"] });
  });
});
