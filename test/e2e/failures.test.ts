/** Endpoints that fail before the first byte: another attempt elsewhere, and then an honest refusal. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { FaultInput } from "../../backends/gpu-simulator/faults.ts";
import { BREAKS_FREE } from "../../src/dispatch/core/attempt-plan.ts";
import { RETRY_RULE } from "../../src/routing/core/shard/budget.ts";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { freshPlace, openaiOf } from "../support/openai.ts";

const simulator = { engine: ENGINE_PRESETS.fast };
/** As Runpod answers, but with the health path of any other server. */
const runpod = { backend: "runpod-lb", health: { path: "/health" } };

const SERVED_FOR_ONE_RETRY = 1_000 / RETRY_RULE.milliPerServed;

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({
    endpoints: [
      { id: "us-a", region: "us-east", simulator, config: runpod },
      { id: "eu-a", region: "eu-west", simulator },
      { id: "ap-a", region: "ap-northeast", simulator },
    ],
    pool: { patienceMs: 5_000, ttfbTimeoutMs: 400 },
  });
});
afterAll(() => fleet.close());

/**
 * Five failures in a row would take an endpoint out, one in ten makes it dearer than a far one, and retries are paid
 * from what the region that takes them has served: each test leaves both endpoints with answers that went well.
 */
afterEach(async () => {
  for (const [id, region] of [
    ["us-a", "us-east"],
    ["eu-a", "eu-west"],
  ] as const) {
    fleet.simulator(id).setFault({ kind: "none" });
    await fleet.simulator(id).listenAgain();
    const served = async () => (await fleet.chat({ place: freshPlace(region) })).headers.get("x-warmpath-endpoint");
    await fleet.until(served, (endpointId) => endpointId === id);
  }
  for (let sent = 0; sent < SERVED_FOR_ONE_RETRY; sent++) {
    for (const place of [`52,${8 + sent}`, `42,${-77 - sent}`]) await fleet.chat({ place });
  }
});

const dispatched = () => [...fleet.simulators.values()].flatMap(({ stats }) => stats.dispatchedIds);
const timesDispatched = (requestId: string | null) => dispatched().filter((id) => id === requestId).length;
const failing = (ids: readonly string[], fault: FaultInput) => {
  for (const id of ids) {
    if (fault.kind === "refuse") fleet.simulator(id).refuse();
    else fleet.simulator(id).setFault(fault);
  }
};

const firstByteFailures: readonly (readonly [name: string, fault: FaultInput])[] = [
  ["refuses the connection", { kind: "refuse" }],
  ["resets the connection", { kind: "reset", times: 1 }],
  ["dies after its headers", { kind: "die_after_bytes", bytes: 0, times: 1 }],
  ["does not answer", { kind: "hang", times: 1 }],
  ["answers 500", { kind: "status", status: 500, times: 1 }],
  ["answers 502", { kind: "status", status: 502, times: 1 }],
  ["answers 503", { kind: "status", status: 503, times: 1 }],
  ["answers 429", { kind: "status", status: 429, times: 1 }],
  ["answers 401 to our credential", { kind: "status", status: 401, times: 1 }],
  ["says 400 timed out waiting for worker", { kind: "capacity", answer: "timed_out", times: 1 }],
  ["says 400 no workers available", { kind: "capacity", answer: "no_workers", times: 1 }],
];

describe("an endpoint that fails before the first byte is replaced once, and the client sees only success", () => {
  test.each(firstByteFailures)("it %s (stream)", async (_, fault) => {
    failing(["us-a"], fault);
    const response = await fleet.chat({ stream: true, place: freshPlace("us-east") });
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(response.headers.get("x-warmpath-endpoint")).toMatch(/^(eu|ap)-a$/);
    expect(response.headers.get("x-warmpath-reason")).toBe("failover");
    expect(response.headers.get("x-warmpath-attempts")).toBe("2");
    expect(text).toMatch(/data: \[DONE\]\n\n$/);
    expect(text).not.toContain("error");
    // One that refuses the connection never gets to see the request.
    const isSeen = fault.kind !== "refuse";
    expect(timesDispatched(response.headers.get("x-request-id"))).toBe(isSeen ? 2 : 1);
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  });

  // A hanging endpoint has the whole execution time to answer a request that is not streamed.
  test.each(firstByteFailures.filter(([, { kind }]) => kind !== "hang"))("it %s (whole answer)", async (_, fault) => {
    failing(["us-a"], fault);
    const client = openaiOf(fleet, { place: freshPlace("us-east") });
    const { data, response } = await client.chat.completions
      .create({ model: fleet.model, max_tokens: 3, messages: [{ role: "user", content: "x" }] })
      .withResponse();
    expect(data.choices[0]?.finish_reason).toBe("length");
    expect(response.headers.get("x-warmpath-endpoint")).toMatch(/^(eu|ap)-a$/);
  });
});

test("two endpoints whose connections break at once cost a request nothing but time", async () => {
  failing(["us-a", "eu-a"], { kind: "reset", times: 1 });
  const response = await fleet.chat({ stream: true, place: freshPlace("us-east") });
  expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/);
  expect(response.headers.get("x-warmpath-endpoint")).toBe("ap-a");
  expect(response.headers.get("x-warmpath-attempts")).toBe("3");
});

describe("when two attempts fail", () => {
  const refusals: readonly (readonly [
    name: string,
    fault: FaultInput,
    status: number,
    code: string,
    attempts: number,
  ])[] = [
    // The first connection that breaks at once is no failure.
    ["reset", { kind: "reset", times: 1 }, 502, "upstream_failed", 2 + BREAKS_FREE],
    ["500", { kind: "status", status: 500, times: 1 }, 502, "upstream_failed", 2],
    ["no answer in time", { kind: "hang", times: 1 }, 504, "upstream_timeout", 2],
    ["our credential is refused", { kind: "status", status: 401, times: 1 }, 502, "credential_refused", 2],
    ["and forbidden", { kind: "status", status: 403, times: 1 }, 502, "credential_refused", 2],
  ];

  test.each(refusals)("%s: the client is told, and nobody else is asked", async (_, fault, status, code, attempts) => {
    failing(["us-a", "eu-a", "ap-a"], fault);
    const response = await fleet.chat({ stream: true, place: freshPlace("us-east") });
    fleet.simulator("ap-a").setFault({ kind: "none" });
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect([response.status, error.code]).toEqual([status, code]);
    const isFinal = code === "credential_refused";
    expect(error.message).toMatch(
      isFinal ? /Sending again does not help/ : /Send the request again|before you send it again|ask for fewer tokens/,
    );
    expect(response.headers.get("x-should-retry")).toBe(isFinal ? "false" : null);
    expect(response.headers.get("x-warmpath-attempts")).toBe(String(attempts));
    expect(response.headers.get("www-authenticate")).toBeNull();
    expect(timesDispatched(response.headers.get("x-request-id"))).toBe(attempts);
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  });
});

describe("what the endpoint says of the request itself is the client's", () => {
  test("a 400 passes unchanged, with its bytes, and is not tried elsewhere", async () => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: '{"model":"test-model"}' };
    const direct = await fetch(`${fleet.simulator("us-a").url}/v1/chat/completions`, init);
    const routed = await fleet.call("/v1/chat/completions", { ...init, place: freshPlace("us-east") });
    expect(routed.status).toBe(400);
    expect(await routed.text()).toBe(await direct.text());
    expect(routed.headers.get("x-warmpath-attempts")).toBe("1");
    expect(timesDispatched(routed.headers.get("x-request-id"))).toBe(1);
  });

  test.each([404, 409, 413, 422])("so does a %i", async (status) => {
    fleet.simulator("us-a").setFault({ kind: "status", status, times: 1 });
    const response = await fleet.chat({ place: freshPlace("us-east") });
    expect(response.status).toBe(status);
    expect(await response.text()).toContain("fault set on the simulator");
  });
});

describe("a request to /p whose effect the router does not know", () => {
  const post = async (method: string) =>
    fleet.call("/p/main/echo", { method, ...(method === "GET" ? {} : { body: "x" }), place: freshPlace("us-east") });

  test.each(["POST", "PATCH"])("is not done twice: %s", async (method) => {
    fleet.simulator("us-a").setFault({ kind: "reset", times: 1 });
    const response = await post(method);
    expect([response.status, response.headers.get("x-warmpath-attempts")]).toEqual([502, "1"]);
    expect(timesDispatched(response.headers.get("x-request-id"))).toBe(1);
  });

  test.each(["GET", "PUT", "DELETE"])("unless repeating it is safe by its method: %s", async (method) => {
    fleet.simulator("us-a").setFault({ kind: "reset", times: 1 });
    const response = await post(method);
    expect([response.status, response.headers.get("x-warmpath-attempts")]).toEqual([200, "2"]);
  });

  test("or the endpoint said that it had no room", async () => {
    fleet.simulator("us-a").setFault({ kind: "status", status: 503, times: 1 });
    const response = await post("POST");
    expect([response.status, response.headers.get("x-warmpath-attempts")]).toEqual([200, "2"]);
  });
});

describe("an endpoint that keeps failing", () => {
  test("is left alone, and gets requests again when it is well", async () => {
    const endpointOf = async () => {
      const response = await fleet.chat({ place: freshPlace("us-east") });
      return { status: response.status, attempts: response.headers.get("x-warmpath-attempts") };
    };
    fleet.simulator("us-a").setFault({ kind: "reset", paths: "all" });
    const standing = async () => {
      expect((await endpointOf()).status).toBe(200);
      const endpoints = (await fleet.shards()).flatMap(({ status }) => status?.endpoints ?? []);
      return endpoints.find(({ id }) => id === "us-a")?.standing;
    };
    await fleet.until(standing, (seen) => seen !== "admitting");
    const before = fleet.simulator("us-a").stats.requests;
    for (let request = 0; request < 5; request++) expect((await endpointOf()).attempts).toBe("1");
    expect(fleet.simulator("us-a").stats.requests).toBe(before);
    fleet.simulator("us-a").setFault({ kind: "none" });
    const requests = async () => {
      await endpointOf();
      return fleet.simulator("us-a").stats.requests;
    };
    await fleet.until(requests, (seen) => seen > before);
  });
});
