/** The endpoints of a pool may have contexts of different lengths: what is too long for one is asked of another. */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const ANSWER = JSON.stringify({
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }],
});

type Short = { readonly kind: "too_long"; readonly tokens: number };
type Behaviour = Short | { readonly kind: "serves" } | { readonly kind: "no_room" } | { readonly kind: "fails" };

function answerOf(behaviour: Behaviour): { readonly status: number; readonly body: string } {
  switch (behaviour.kind) {
    case "serves":
      return { status: 200, body: ANSWER };
    case "too_long": {
      const message = `This model's maximum context length is ${behaviour.tokens} tokens. However, you requested more.`;
      return { status: 400, body: JSON.stringify({ error: { message, type: "BadRequestError", code: 400 } }) };
    }
    case "no_room":
      return { status: 503, body: JSON.stringify({ error: { message: "full", type: "server_error" } }) };
    case "fails":
      return { status: 500, body: JSON.stringify({ error: { message: "CUDA out of memory", type: "server_error" } }) };
  }
}

/** Serves what is short; what is long as its behaviour says. */
async function startServer(behaviour: Behaviour, seen: () => void): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const isLong = Buffer.concat(chunks).toString().includes("long");
      if (isLong) seen();
      const { status, body } = answerOf(isLong ? behaviour : { kind: "serves" });
      response.writeHead(status, { "content-type": "application/json" });
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const REGIONS = ["us-east", "eu-west", "ap-northeast"] as const;

let fleet: Fleet;
let servers: Server[] = [];
let seen: string[];

async function start(...behaviours: readonly Behaviour[]): Promise<void> {
  seen = [];
  servers = [];
  const urls = await Promise.all(behaviours.map(async (one, index) => startServer(one, () => seen.push(`e${index}`))));
  fleet = await startFleet({
    endpoints: urls.map((url, index) => ({ id: `e${index}`, region: REGIONS[index] ?? "us-east", config: { url } })),
    pool: { patienceMs: 5_000, attemptsMax: 1 },
  });
}
afterEach(async () => {
  await fleet.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

async function ask(content: string) {
  const response = await fleet.chat({ content });
  const { error } = (await response.json()) as { error?: { code: unknown; message: string } };
  const [endpoint, attempts] = ["endpoint", "attempts"].map((name) => response.headers.get(`x-warmpath-${name}`));
  return { status: response.status, error, endpoint, attempts };
}

const standings = async () => {
  await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  return (await fleet.shards()).flatMap(({ status }) => (status?.endpoints ?? []).map(({ standing }) => standing));
};

const short = (tokens: number): Short => ({ kind: "too_long", tokens });

describe("a request that is too long for the nearest endpoint", () => {
  test("is served by one with a longer context, outside the failures' budget, and blames nobody", async () => {
    await start(short(8_192), { kind: "serves" });
    for (let round = 0; round < 10; round++) {
      expect(await ask("long")).toMatchObject({ status: 200, endpoint: "e1", attempts: "2" });
      expect(await ask("hello")).toMatchObject({ status: 200, endpoint: "e0", attempts: "1" });
    }
    expect(await standings()).toEqual(["admitting", "admitting"]);
  });

  test("and for the next one too gets the first one's own words, after one attempt at each of two", async () => {
    await start(short(8_192), short(4_096), short(2_048));
    const { status, error, endpoint, attempts } = await ask("long");
    expect([status, endpoint, attempts]).toEqual([400, "e0", "2"]);
    expect(error?.message).toContain("8192 tokens");
    expect(seen).toHaveLength(2);
    expect(new Set(seen).size).toBe(2);
    expect(await standings()).toEqual(["admitting", "admitting", "admitting"]);
  });

  test("gets its words where there is no other endpoint", async () => {
    await start(short(8_192));
    expect(await ask("long")).toMatchObject({ status: 400, endpoint: "e0", attempts: "1" });
    expect(seen).toEqual(["e0"]);
  });

  test("gets its words where the other one fails", async () => {
    await start(short(8_192), { kind: "fails" });
    expect(await ask("long")).toMatchObject({ status: 400, endpoint: "e0", attempts: "2" });
  });

  test("is told to come back where the other one has no room now", async () => {
    await start(short(8_192), { kind: "no_room" });
    const { status, error } = await ask("long");
    expect([status, error?.code]).toEqual([429, "saturated"]);
    expect(seen.filter((id) => id === "e0")).toHaveLength(1);
  });
});
