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
import type { HeldLease, LeaseCache } from "../../src/routing/core/lease-client/lease-cache.ts";
import { endpointSpec, grantOf, poolSpec, US } from "../routing/core/shard/shard-fixture.ts";

type Result = {
  readonly isHedge: boolean;
  readonly result:
    | { readonly kind: "begun"; readonly attempt: { readonly endpoint: { readonly config: { readonly id: string } } } }
    | { readonly kind: "lost"; readonly why: string };
};

// By a name that the type checker does not follow: the module's types are those of the Workers runtime, not of Node.
const module = "../../src/dispatch/hedge.ts";
const { attemptHedged } = (await import(/* @vite-ignore */ new URL(module, import.meta.url).href)) as {
  attemptHedged: (
    desk: unknown,
    heldLease: HeldLease,
    endpoint: unknown,
    outgoing: unknown,
    plan: unknown,
  ) => Promise<Result>;
};

const dispatchModule = "../../src/dispatch/dispatch.ts";
const { endLost } = (await import(/* @vite-ignore */ new URL(dispatchModule, import.meta.url).href)) as {
  endLost: (lost: unknown) => void;
};

const SHARD = "pool:pool:us";

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
    report: async (report: Report) => void settled.push(...report.settled),
  };
  const desk = {
    runtime: { leaseCache, flushUntilMs: 0, config: { regions: new Map() } },
    env: { POOL_SHARD: { getByName: () => shard } },
    ctx: { waitUntil: (promise: Promise<unknown>) => void background.push(promise) },
  };
  const spec = poolSpec([endpointSpec(), endpointSpec({ id: "e2" })]);
  const leaseRequest = { pool: spec, client: US, clientKey: "here", inputTokens: 0, excluded: [], explain: false };
  const pool = {
    config: { patienceMs: 60_000, queueWaitMsMax: 60_000 },
    spec,
    endpoints: new Map([first, second].map(({ endpoint }) => [endpoint.config.id, endpoint])),
  };
  const outgoing = {
    method: "POST",
    path: "/v1/chat/completions",
    headers: {},
    body: null,
    inputTokens: 0,
    clientKey: "here",
    affinity: null,
    stream: true,
    isClientsPath: false,
    protocol: null,
    firstByteTimeoutMs: 60_000,
    connectTimeoutMs: 60_000,
    mayLeave: false,
    stallTimeoutMs: 60_000,
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
  return attemptHedged(desk, heldLease, first.endpoint, outgoing, { late, pool, leaseRequest, tried: ["e1"] });
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
  result.kind === "begun" ? result.attempt.endpoint.config.id : null;

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
    endLost(result);
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
