/** Endpoints without room: others serve, and only when nobody can does a client hear of it. */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet, FleetPlan } from "../support/fleet.ts";
import { freshPlace } from "../support/openai.ts";

const simulator = { engine: ENGINE_PRESETS.fast };

let fleet: Fleet | null = null;
const servers: Server[] = [];
afterEach(async () => {
  await fleet?.close();
  fleet = null;
  for (const server of servers.splice(0)) server.close();
});

async function start(regions: readonly ("us-east" | "eu-west")[], pool: FleetPlan["pool"] = {}): Promise<Fleet> {
  const endpoints = regions.map((region, index) => ({ id: `e${index + 1}`, region, simulator }));
  fleet = await startFleet({ endpoints, pool: { patienceMs: 5_000, ...pool } });
  return fleet;
}

async function statuses(router: Fleet, count: number): Promise<number[]> {
  const seen: number[] = [];
  for (let sent = 0; sent < count; sent++) {
    const response = await router.chat({ place: freshPlace("us-east") });
    await response.text();
    seen.push(response.status);
  }
  return seen;
}

const all = (status: number, count: number): number[] => Array.from({ length: count }, () => status);

describe("an endpoint that refuses everything at once, and is healthy by its probes", () => {
  test.each([
    { name: "503, the nearest", status: 503, regions: ["us-east", "eu-west"] },
    { name: "429, the nearest", status: 429, regions: ["us-east", "eu-west"] },
    { name: "529, among equals", status: 529, regions: ["us-east", "us-east", "us-east"] },
  ] as const)("takes nothing from the others: $name", async ({ status, regions }) => {
    const router = await start(regions);
    router.simulator("e1").setFault({ kind: "status", status });
    expect(await statuses(router, 60)).toEqual(all(200, 60));
    expect(router.simulator("e1").stats.requests, "tried anew now and then").toBeLessThan(20);
    // Between two back-offs it may be tried: then it has one slot for a moment.
    const refusing = async () => {
      expect(await statuses(router, 1)).toEqual([200]);
      const views = (await router.shards()).flatMap(({ status: shard }) => shard?.endpoints ?? []);
      return views.find(({ id }) => id === "e1");
    };
    const view = await router.until(refusing, (one) => one?.capacity === 0 && (one.refusesForMs ?? 0) > 0);
    expect(view?.standing, "no failure of its health").toBe("admitting");
  });

  test("takes traffic again when it has room", async () => {
    const router = await start(["us-east", "eu-west"]);
    router.simulator("e1").setFault({ kind: "status", status: 503, times: 1 });
    expect(await statuses(router, 5)).toEqual(all(200, 5));
    const endpointOf = async () =>
      (await router.chat({ place: freshPlace("us-east") })).headers.get("x-warmpath-endpoint");
    await router.until(endpointOf, (endpointId) => endpointId === "e1");
  });
});

describe("a pool of which every endpoint refuses", () => {
  const ENDPOINTS = 8;
  const ASKED = 40;
  const many = () => start(Array.from({ length: ENDPOINTS }, () => "us-east" as const));
  const refuseAll = ({ simulators }: Fleet): void => {
    for (const one of simulators.values()) one.setFault({ kind: "status", status: 503 });
  };
  const reached = ({ simulators }: Fleet): number =>
    [...simulators.values()].reduce((sum, { stats }) => sum + stats.requests, 0);

  test.each(["the same", "another"])(
    "is asked once by each further request, be it %s, and not by each endpoint again",
    async (which) => {
      const router = await many();
      expect((await router.chat()).status).toBe(200);
      refuseAll(router);
      const before = reached(router);
      const startedAt = performance.now();
      for (let sent = 0; sent < ASKED; sent++) {
        const response = await router.chat({ content: which === "the same" ? "x" : `x ${sent}` });
        expect([response.status, Number(response.headers.get("retry-after")) > 0]).toEqual([429, true]);
        await response.text();
      }
      const seconds = (performance.now() - startedAt) / 1_000;
      // To learn it costs two refusals of each, and each is looked at again once a second.
      const learning = ENDPOINTS * (2 + seconds);
      expect(reached(router) - before).toBeLessThanOrEqual(ASKED + learning);
    },
  );

  test("serves again as soon as one of them does", async () => {
    const router = await many();
    expect((await router.chat()).status).toBe(200);
    refuseAll(router);
    expect(await statuses(router, 5)).toEqual(all(429, 5));
    router.simulator("e5").setFault({ kind: "none" });
    await router.until(
      async () => (await router.chat()).headers.get("x-warmpath-endpoint"),
      (endpointId) => endpointId === "e5",
    );
  });
});

describe("a pool's only endpoint", () => {
  test("is asked again when the time is over that it asked for, and the client waits no longer than that", async () => {
    const router = await start(["us-east"]);
    router.simulator("e1").setFault({ kind: "status", status: 429, retryAfter: 1, times: 1 });
    const response = await router.chat({ place: freshPlace("us-east") });
    expect([response.status, response.headers.get("x-warmpath-attempts")]).toEqual([200, "2"]);
  });

  test("that asks for longer than the pool's patience is not waited for: the client is told the true time", async () => {
    const router = await start(["us-east"], { queueWaitMsMax: 2_000 });
    router.simulator("e1").setFault({ kind: "status", status: 429, retryAfter: 300, times: 1 });
    for (const attempts of ["1", null]) {
      const response = await router.chat({ place: freshPlace("us-east") });
      expect([response.status, response.headers.get("x-warmpath-attempts")]).toEqual([429, attempts]);
      const seconds = Number(response.headers.get("retry-after"));
      expect(seconds).toBeGreaterThan(50);
      expect(seconds, "bounded").toBeLessThanOrEqual(60);
      expect(Number(response.headers.get("retry-after-ms"))).toBeLessThanOrEqual(seconds * 1_000);
    }
    await router.until(router.liveLeases, (leases) => leases === 0);
  });

  test("is asked once more when the connection broke at once", async () => {
    const router = await start(["us-east"]);
    router.simulator("e1").setFault({ kind: "reset", times: 1 });
    const response = await router.chat({ place: freshPlace("us-east") });
    expect([response.status, response.headers.get("x-warmpath-attempts")]).toEqual([200, "2"]);
    router.simulator("e1").setFault({ kind: "reset", times: 2 });
    expect((await router.chat({ place: freshPlace("us-east") })).status).toBe(502);
  });

  test("that is down, as its probes have found, is 503 with Retry-After, and no failure of the request", async () => {
    const router = await start(["us-east"]);
    router.simulator("e1").setFault({ kind: "refuse" });
    const ask = async () => {
      const response = await router.chat({ place: freshPlace("us-east") });
      const { error } = (await response.json()) as { error: { code: string } };
      return { code: error.code, status: response.status, retryAfter: response.headers.get("retry-after") };
    };
    const said = await router.until(ask, ({ status }) => status === 503);
    expect(said).toEqual({ status: 503, code: "pool_down", retryAfter: "1" });
  });
});

describe("a node that dies with many requests waiting", () => {
  test("loses none of them while another has room", async () => {
    const config = { concurrencyPerWorker: 100 };
    fleet = await startFleet({
      endpoints: [
        { id: "dies", region: "us-east", simulator, config },
        { id: "idle", region: "eu-west", simulator, config },
      ],
      pool: { patienceMs: 5_000, hedge: { enabled: false } },
    });
    const router = fleet;
    router.simulator("dies").setFault({ kind: "hang" });
    const waiting = 64;
    const answers = Array.from({ length: waiting }, async () => (await router.chat()).status);
    await router.until(
      async () => router.simulator("dies").stats.requests,
      (requests) => requests === waiting,
    );
    await router.simulator("dies").close();
    expect(await Promise.all(answers)).toEqual(all(200, waiting));
  });

  test("is left by all that wait there, once its health fails and before any limit of theirs", async () => {
    const config = { concurrencyPerWorker: 64 };
    fleet = await startFleet({
      endpoints: [
        { id: "hangs", region: "us-east", simulator, config },
        { id: "idle", region: "eu-west", simulator, config },
      ],
      // So that neither a hedge nor a question of its own moves them.
      pool: { patienceMs: 5_000, connectTimeoutMs: 60_000, hedge: { enabled: false } },
    });
    const router = fleet;
    router.simulator("hangs").setFault({ kind: "hang" });
    const waiting = 32;
    const ask = async (_: unknown, index: number) => {
      const response = await router.chat({ stream: index % 2 === 0 });
      await response.text();
      return `${response.status} ${response.headers.get("x-warmpath-endpoint")}`;
    };
    const answers = Array.from({ length: waiting }, ask);
    await router.until(
      async () => router.simulator("hangs").stats.requests,
      (requests) => requests >= waiting,
    );
    router.simulator("hangs").setFault({ kind: "hang", paths: "all" });
    const elsewhere = Array.from({ length: waiting }, () => "200 idle");
    expect((await Promise.all(answers)).map((answer) => answer.trim())).toEqual(elsewhere);
    await router.until(router.liveLeases, (leases) => leases === 0);
  }, 45_000);
});

describe("a request that every endpoint refuses", () => {
  const ANSWER = JSON.stringify({
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }],
  });

  /** Serves everything but what holds "poison". */
  async function choosy(retryAfter: Record<string, string>): Promise<string> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const isPoison = Buffer.concat(chunks).toString().includes("poison");
        response.writeHead(isPoison ? 429 : 200, {
          "content-type": "application/json",
          ...(isPoison ? retryAfter : {}),
        });
        response.end(isPoison ? JSON.stringify({ error: { message: "your limit" } }) : ANSWER);
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async function startChoosy(retryAfter: Record<string, string>): Promise<(content: string) => Promise<Response>> {
    const config = { concurrencyPerWorker: 16 };
    fleet = await startFleet({
      endpoints: [
        { id: "a", region: "us-east", config: { ...config, url: await choosy(retryAfter) } },
        { id: "b", region: "eu-west", config: { ...config, url: await choosy(retryAfter) } },
      ],
      pool: { patienceMs: 5_000 },
    });
    const router = fleet;
    return async (content) => {
      const response = await router.chat({ stream: false, content });
      await response.arrayBuffer();
      return response;
    };
  }

  test("gets the true Retry-After, and takes no slot from the others", async () => {
    const ask = await startChoosy({ "retry-after": "60" });
    expect((await ask("x")).status).toBe(200);
    const poison = await ask("poison");
    expect([poison.status, poison.headers.get("retry-after")]).toEqual([429, "60"]);
    const others = await Promise.all(Array.from({ length: 10 }, async (_, index) => (await ask(`y${index}`)).status));
    expect(others).toEqual(all(200, 10));
  });

  test("does not stop steady clients, however often it comes and whatever else is in it", async () => {
    const ask = await startChoosy({});
    const steady = Promise.all(
      Array.from({ length: 6 }, async () => {
        const seen: number[] = [];
        for (let sent = 0; sent < 20; sent++) seen.push((await ask("steady")).status);
        return seen;
      }),
    );
    const poisoned = Promise.all(Array.from({ length: 6 }, async (_, index) => (await ask(`poison ${index}`)).status));
    expect((await steady).flat()).toEqual(all(200, 120));
    expect((await poisoned).every((status) => status === 429)).toBe(true);
  });
});
