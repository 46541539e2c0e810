/**
 * Under `/p` the client names the path, and so it can have any error it likes: what an endpoint answers there is the
 * client's own, and takes no endpoint out of traffic. What the endpoint does to the connection still counts.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { FaultInput } from "../../backends/gpu-simulator/faults.ts";
import { FAILURES_MAX } from "../../src/routing/core/endpoint/breaker.ts";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { freshPlace } from "../support/openai.ts";

const simulator = { engine: ENGINE_PRESETS.fast };
let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({
    endpoints: [
      { id: "us-a", region: "us-east", simulator },
      { id: "eu-a", region: "eu-west", simulator },
    ],
    pool: { patienceMs: 5_000 },
    config: { routes: [{ path: "/echo", pool: "main" }] },
  });
});
afterAll(() => fleet.close());
afterEach(async () => {
  fleet.simulator("us-a").setFault({ kind: "none" });
  const served = async () => (await fleet.chat({ place: freshPlace("us-east") })).headers.get("x-warmpath-endpoint");
  await fleet.until(served, (endpointId) => endpointId === "us-a");
});

const failing = (fault: FaultInput) => fleet.simulator("us-a").setFault(fault);
const get = (path: string) => fleet.call(path, { place: freshPlace("us-east") });
const standing = async () => {
  const endpoints = (await fleet.shards()).flatMap(({ status }) => status?.endpoints ?? []);
  return endpoints.find(({ id }) => id === "us-a")?.standing;
};

describe("an error that an endpoint answers on a path of the client's", () => {
  test.each([500, 501, 502, 504, 401, 403, 404])(
    "is passed on as it is, once, and ejects nobody: %i",
    async (status) => {
      failing({ kind: "status", status });
      for (let request = 0; request <= FAILURES_MAX; request++) {
        const response = await get("/p/main/echo");
        expect([response.status, response.headers.get("x-warmpath-attempts")]).toEqual([status, "1"]);
        expect(response.headers.get("x-warmpath-endpoint")).toBe("us-a");
        expect(await response.text()).toContain("fault set on the simulator");
      }
      expect(await standing()).toBe("admitting");
    },
  );

  test.each([429, 503])("is repeated elsewhere when it says that there is no room: %i", async (status) => {
    failing({ kind: "status", status, times: 1 });
    const response = await get("/p/main/echo");
    expect([response.status, response.headers.get("x-warmpath-endpoint")]).toEqual([200, "eu-a"]);
    expect(await standing()).toBe("admitting");
  });
});

describe("a refusal for want of room on a path of the client's", () => {
  test.each([429, 503])("leaves the endpoint its slots: %i", async (status) => {
    const capacity = async () =>
      (await fleet.shards()).flatMap((shard) => shard.status?.endpoints ?? []).find(({ id }) => id === "us-a")
        ?.capacity;
    const before = await capacity();
    failing({ kind: "status", status });
    for (let request = 0; request <= FAILURES_MAX; request++) {
      expect((await get("/p/main/echo")).headers.get("x-warmpath-endpoint")).toBe("eu-a");
    }
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
    expect(await capacity()).toBe(before);
  });

  test("by everybody is told: each is asked, and one once more", async () => {
    for (const id of ["us-a", "eu-a"]) fleet.simulator(id).setFault({ kind: "status", status: 503 });
    const response = await get("/p/main/echo");
    expect([response.status, Number(response.headers.get("x-warmpath-attempts"))]).toEqual([429, 3]);
    fleet.simulator("eu-a").setFault({ kind: "none" });
  });
});

describe("what still takes an endpoint out of traffic", () => {
  test.each([
    ["a connection that breaks on a path of the client's", { kind: "reset" }, "/p/main/echo"],
    ["errors on a path that the configuration names", { kind: "status", status: 500 }, "/echo"],
  ] as const)("%s", async (_, fault, path) => {
    failing(fault);
    const after = async () => {
      await get(path);
      return standing();
    };
    await fleet.until(after, (seen) => seen === "ejected");
  });
});
