/** A request that fails everywhere takes no endpoint out for the others; an endpoint that fails alone is left. */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FAILING_TIMES } from "../../src/dispatch/core/failing-rules.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const ANSWER = JSON.stringify({
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }],
});

type Fault = { readonly status: number; readonly message: string };

/** Serves everything but what holds "poison"; well by its health path whatever it serves. */
async function startServer(fault: () => Fault, seen: string[], isBroken: () => boolean): Promise<Server> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      const { status, message } = fault();
      const isPoison = request.method === "POST" && (isBroken() || body.includes("poison"));
      if (isPoison) seen.push(body);
      response.writeHead(isPoison ? status : 200, { "content-type": "application/json" });
      response.end(isPoison ? JSON.stringify({ error: { message, type: "server_error", code: status } }) : ANSWER);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

let fleet: Fleet;
let servers: Server[];
let seen: string[];
let fault: Fault;
let isFirstBroken: boolean;
beforeEach(async () => {
  seen = [];
  fault = { status: 500, message: "boom" };
  isFirstBroken = false;
  servers = await Promise.all(
    [0, 1].map(async (index) =>
      startServer(
        () => fault,
        seen,
        () => index === 0 && isFirstBroken,
      ),
    ),
  );
  const [a, b] = servers.map(urlOf);
  fleet = await startFleet({
    endpoints: [
      { id: "a", region: "us-east", config: { url: a } },
      { id: "b", region: "eu-west", config: { url: b } },
    ],
    pool: { patienceMs: 5_000 },
  });
});
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
  return { status: response.status, error, attempts: response.headers.get("x-warmpath-attempts") };
}

const standings = async () => {
  await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  return (await fleet.shards()).flatMap(({ status }) => (status?.endpoints ?? []).map(({ standing }) => standing));
};

describe("a request that is an error of every endpoint", () => {
  test("ejects none of them, is refused by name after a while, and others are served all along", async () => {
    const statuses: number[] = [];
    for (let round = 0; round < 10; round++) {
      statuses.push((await ask("poison")).status);
      expect((await ask("hello")).status).toBe(200);
    }
    const refused = Array.from({ length: 10 - FAILING_TIMES }, () => 422);
    expect(statuses).toEqual([...Array.from({ length: FAILING_TIMES }, () => 502), ...refused]);
    expect(seen).toHaveLength(2 * FAILING_TIMES);
    expect((await ask("poison")).error?.code).toBe("request_keeps_failing");
    expect(await standings()).toEqual(["admitting", "admitting"]);
  });

  test("is told to its client as probably its own", async () => {
    const { status, error, attempts } = await ask("poison");
    expect([status, error?.code, attempts]).toEqual([502, "upstream_failed", "2"]);
    expect(error?.message).toContain("probably the request");
  });

  test.each([
    { status: 501, message: "this model takes no images" },
    { status: 500, message: "Failed to parse grammar" },
  ])("and says so itself, reaches the client as it is: $status $message", async (answer) => {
    fault = answer;
    for (let round = 0; round < 10; round++) {
      const { status, error } = await ask("poison");
      expect([status, error?.message]).toEqual([answer.status, answer.message]);
    }
    expect(seen).toHaveLength(10);
    expect(await standings()).toEqual(["admitting", "admitting"]);
  });
});

test("an endpoint that fails alone is ejected, and nobody sees an error", async () => {
  isFirstBroken = true;
  const standingOf = async (id: string) =>
    (await fleet.shards()).flatMap(({ status }) => status?.endpoints ?? []).find((one) => one.id === id)?.standing;
  await fleet.until(
    async () => {
      expect((await ask("hello")).status).toBe(200);
      return standingOf("a");
    },
    (standing) => standing === "ejected",
  );
  expect(await standingOf("b")).toBe("admitting");
});
