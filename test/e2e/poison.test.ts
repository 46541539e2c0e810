/**
 * A request that ends the endpoints that work on it, in a deployment of three isolates: what one and another have met, the
 * third refuses without an attempt, and nobody else is refused.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BUNDLE, startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { startIsolates } from "../support/isolates.ts";
import type { Isolates } from "../support/isolates.ts";

const ANSWER = JSON.stringify({
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }],
});

/** An engine that dies under every body that holds "poison": its connections break, and nothing of it answers until it is started anew. */
function startEngine() {
  let isDead = false;
  let deaths = 0;
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      if (request.method === "POST") seen.push(body);
      if (body.includes("poison")) {
        isDead = true;
        deaths += 1;
        for (const socket of sockets) socket.destroy();
        return;
      }
      response.writeHead(200, { "content-type": "application/json" }).end(ANSWER);
    });
  });
  server.on("connection", (socket) => {
    if (isDead) socket.destroy();
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  return {
    server,
    seen,
    deaths: () => deaths,
    revive: () => {
      isDead = false;
    },
    listen: async () => {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const POISON = "this is poison";

const stateDir = mkdtempSync(join(tmpdir(), "warmpath-poison-"));
const engines = [startEngine(), startEngine(), startEngine()];
let fleet: Fleet;
let isolates: Isolates;
/** The hash of the first tenant's. */
let poison: string;
beforeAll(async () => {
  const regions = ["us-east", "us-east", "eu-west"] as const;
  const endpoints = await Promise.all(
    engines.map(async (engine, index) => ({
      id: `e${index + 1}`,
      region: regions[index] ?? "us-east",
      config: { url: await engine.listen() },
    })),
  );
  fleet = await startFleet({
    endpoints,
    keys: [{ id: "other", tenant: "another" }],
    pool: { patienceMs: 5_000 },
    runtime: async (bindings) => (isolates = await startIsolates(BUNDLE, bindings, stateDir)),
  });
});
afterAll(async () => {
  await fleet.close();
  for (const engine of engines) engine.close();
  rmSync(stateDir, { recursive: true, force: true });
});

async function ask(isolate: number, content: string, key = fleet.key) {
  const response = await fetch(`${isolates.urls[isolate]}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "x-warmpath-place": "us-east" },
    body: JSON.stringify({ model: fleet.model, messages: [{ role: "user", content }] }),
  });
  const { error } = (await response.json()) as { error?: { code: string; message: string } };
  return { status: response.status, code: error?.code };
}

type Suspect = {
  readonly request: string;
  readonly kills: number;
  readonly endpoints: readonly string[];
  readonly refusedForMs: number;
};

const suspects = async () =>
  ((await (await fleet.call("/admin/poison")).json()) as { readonly requests: readonly Suspect[] }).requests;

const deaths = (): number => engines.reduce((sum, engine) => sum + engine.deaths(), 0);
const seenOf = (content: string): number =>
  engines.reduce((sum, { seen }) => sum + seen.filter((body) => body.includes(`"${content}"`)).length, 0);

/** Starts every engine anew, once the fleet has seen what has died, and waits until all take traffic. */
async function revive(): Promise<void> {
  await fleet.until(suspects, (all) => all.reduce((sum, { kills }) => sum + kills, 0) === deaths(), 20_000);
  for (const engine of engines) engine.revive();
  const standings = async () =>
    (await fleet.shards(true)).flatMap(({ status }) => (status?.endpoints ?? []).map(({ standing }) => standing));
  await fleet.until(standings, (all) => all.length === 3 && all.every((one) => one === "admitting"), 30_000);
}

test("what ends engines in two isolates is refused in the third without an attempt, and in all; what is like it is served", async () => {
  expect((await ask(0, "hello")).status).toBe(200);
  for (let isolate = 0; deaths() < 3; isolate = 1) {
    expect(isolate === 0 || deaths() < 3).toBe(true);
    expect((await ask(isolate, POISON)).status).toBeGreaterThanOrEqual(500);
    await revive();
  }
  const [suspect] = await fleet.until(suspects, ([one]) => (one?.refusedForMs ?? 0) > 0);
  expect(suspect).toMatchObject({ kills: deaths() });
  expect(suspect?.endpoints.length).toBeGreaterThanOrEqual(2);

  poison = suspect?.request ?? "";

  const [before, diedBefore] = [seenOf(POISON), deaths()];
  const refused = await ask(2, POISON);
  expect([refused.status, refused.code]).toEqual([422, "request_ends_endpoints"]);
  expect([(await ask(0, POISON)).status, (await ask(1, POISON)).status]).toEqual([422, 422]);
  expect([seenOf(POISON), deaths()], "nothing was sent").toEqual([before, diedBefore]);
  for (const isolate of [0, 1, 2]) expect((await ask(isolate, "this is poisson")).status).toBe(200);
  expect(isolates.output()).toContain('"event":"request_refused"');
  expect(await (await fleet.call("/metrics")).text()).toMatch(
    /warmpath_refused_requests\{pool="main",region="us-east"\} 1\n/,
  );

  // The same words of another tenant are another request.
  await ask(2, POISON, fleet.keyOf("other"));
  expect(deaths()).toBeGreaterThan(diedBefore);
  await fleet.until(suspects, (all) => all.some(({ request }) => request !== poison));
}, 120_000);

test("what is known of it survives a crash of everything", async () => {
  for (const engine of engines) engine.revive();
  const before = seenOf(POISON);
  await fleet.crash();
  const [suspect] = await fleet.until(suspects, (all) => all.some(({ request }) => request === poison));
  expect(suspect?.kills).toBeGreaterThanOrEqual(3);
  await fleet.until(
    async () => ask(0, POISON),
    ({ code }) => code === "request_ends_endpoints",
  );
  // In the first moments an isolate may not have heard of it.
  expect(seenOf(POISON)).toBeLessThanOrEqual(before + 1);
}, 60_000);

test("a job of the same request is failed with the reason, and so is one whose own attempts ended engines", async () => {
  for (const engine of engines) engine.revive();
  const submit = async (content: string): Promise<string> => {
    const response = await fleet.call("/v1/chat/completions", {
      method: "POST",
      headers: { "content-type": "application/json", prefer: "respond-async" },
      body: JSON.stringify({ model: fleet.model, messages: [{ role: "user", content }] }),
    });
    expect(response.status).toBe(202);
    return response.headers.get("location") ?? "";
  };
  const jobAt = async (url: string) => (await (await fleet.call(url)).json()) as { status: string; error?: unknown };
  const isOver = ({ status }: { readonly status: string }): boolean => status === "failed";
  const before = seenOf(POISON);
  const url = await submit(POISON);
  const refused = await fleet.until(async () => jobAt(url), isOver, 30_000);
  expect(JSON.stringify(refused.error)).toContain("endpoints have stopped while they worked on this input");
  expect(seenOf(POISON), "nothing was sent").toBe(before);

  const own = "a job's poison";
  const [known, diedBefore] = [new Set((await suspects()).map(({ request }) => request)), deaths()];
  const second = await submit(own);
  const ended = await fleet.until(
    async () => {
      const all = await suspects();
      const told = all.find(({ request }) => !known.has(request))?.kills ?? 0;
      if (told >= deaths() - diedBefore) for (const engine of engines) engine.revive();
      return jobAt(second);
    },
    isOver,
    90_000,
  );
  expect(JSON.stringify(ended.error)).toContain("endpoints have stopped while they worked on this input");
  // A lease that was asked for before the third end may be had after it.
  expect(seenOf(own)).toBeGreaterThanOrEqual(3);
  expect(seenOf(own)).toBeLessThanOrEqual(5);
}, 150_000);

test("an operator's word ends it everywhere, and one that is not known is no word", async () => {
  for (const engine of engines) engine.revive();
  const unknown = await fleet.call("/admin/poison?request=0123", { method: "DELETE" });
  expect(unknown.status).toBe(404);
  const pardoned = await fleet.call(`/admin/poison?request=${poison}`, { method: "DELETE" });
  expect(await pardoned.json()).toEqual({ pardoned: 1, unreached: [] });
  expect((await suspects()).some(({ request }) => request === poison)).toBe(false);
  const before = seenOf(POISON);
  await fleet.until(
    async () => {
      await ask(2, POISON);
      return seenOf(POISON);
    },
    (seen) => seen > before,
  );
}, 60_000);
