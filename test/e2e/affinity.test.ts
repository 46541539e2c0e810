/** A session with a long prompt returns to the endpoint, and the GPU worker, that has it in its cache. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const engine = { ...ENGINE_PRESETS.fast, stepBaseMs: 2 };
const runpod = (id: string) => ({
  id,
  region: "us-east" as const,
  simulator: { engine, workerId: `${id}-worker` },
  config: { backend: "runpod-lb", concurrencyPerWorker: 32, health: { path: "/v2/x/health" } },
});

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet({
    endpoints: ["a", "b", "c", "d"].map(runpod),
    pool: { patienceMs: 10_000 },
  });
});
afterAll(() => fleet.close());

/** Some 3,000 tokens that begin like nobody else's. */
const promptOf = (name: string): string => `Session ${name}. ${"Lorem ipsum dolor sit amet. ".repeat(450)}`;

async function turn(session: string | null, content: string, body: object = {}): Promise<string | null> {
  const response = await fleet.call("/v1/chat/completions", {
    method: "POST",
    place: "us-east",
    headers: {
      "content-type": "application/json",
      ...(session === null ? {} : { "x-session-id": session }),
    },
    body: JSON.stringify({ model: fleet.model, max_tokens: 1, messages: [{ role: "user", content }], ...body }),
  });
  await response.arrayBuffer();
  expect(response.status).toBe(200);
  return response.headers.get("x-warmpath-endpoint");
}

async function turns(count: number, next: (index: number) => Promise<string | null>): Promise<Set<string | null>> {
  const seen = new Set<string | null>();
  for (let index = 0; index < count; index++) seen.add(await next(index));
  return seen;
}

describe("requests with a long prompt", () => {
  test.each([
    ["a session header", (index: number) => turn("s-header", `${index} ${promptOf("header")}`)],
    ["prompt_cache_key", (index: number) => turn(null, `${index} ${promptOf("member")}`, { prompt_cache_key: "s-m" })],
    ["the same beginning", (index: number) => turn(null, `${promptOf("prefix")} ${index}`)],
  ] as const)("that share %s stay at one of four equal endpoints", async (_, next) => {
    expect((await turns(12, next)).size).toBe(1);
  });

  test("of many sessions are spread over the endpoints, each at its own", async () => {
    const homes = new Map<number, string | null>();
    for (let session = 0; session < 12; session++) {
      homes.set(session, await turn(`many-${session}`, promptOf(`many-${session}`)));
    }
    expect(new Set(homes.values()).size).toBeGreaterThan(1);
    for (const [session, home] of homes) {
      expect(await turn(`many-${session}`, promptOf(`many-${session}`))).toBe(home);
    }
  });

  test("of one session that is more than its home can serve go elsewhere, and all are served", async () => {
    const seen = await Promise.all(Array.from({ length: 60 }, () => turn("hot", promptOf("hot"))));
    expect(new Set(seen).size).toBeGreaterThan(1);
  });
});

test("a session asks for the GPU worker that answered it, and nobody else's header reaches an endpoint", async () => {
  const headersOf = async (session: string): Promise<Record<string, string>> => {
    const response = await fleet.call("/p/main/echo", {
      method: "POST",
      place: "us-east",
      headers: { "content-type": "text/plain", "x-session-id": session, "x-runpod-worker-id": "strict somebody" },
      body: promptOf(session),
    });
    const { headers } = (await response.json()) as { headers: Record<string, string> };
    return { ...headers, servedBy: response.headers.get("x-warmpath-endpoint") ?? "" };
  };
  const first = await headersOf("worker");
  expect(first["x-runpod-worker-id"] ?? "", "a wish of the shard's, or none").not.toContain("strict");
  const second = await fleet.until(
    () => headersOf("worker"),
    (headers) => headers["x-runpod-worker-id"] !== undefined,
  );
  expect(second["x-runpod-worker-id"]).toBe(`${second["servedBy"]}-worker`);
});
