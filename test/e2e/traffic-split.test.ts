/**
 * A model that two pools share, and a pool whose requests are copied to a third, on raw workerd with the published openai
 * package: shares, conversations that stay, and copies that change nothing for the client, whatever becomes of them.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startGpuSimulator } from "../../backends/gpu-simulator/server.ts";
import type { GpuSimulator } from "../../backends/gpu-simulator/simulator.ts";
import { startChatEngine } from "../support/chat-engine.ts";
import type { ChatEngine } from "../support/chat-engine.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { readMetrics } from "../support/metrics-text.ts";
import { startRecorder } from "../support/recorder.ts";
import type { Recorder } from "../support/recorder.ts";
import { openaiOf } from "../support/openai.ts";

const SECRET = "ada.lovelace@example.com";

let fleet: Fleet;
let next: ChatEngine;
let odd: GpuSimulator;
let recorder: Recorder;
let garbage: Awaited<ReturnType<typeof startGarbage>>;
let stable: GpuSimulator;
let canary: GpuSimulator;
beforeAll(async () => {
  next = await startChatEngine("next-model");
  recorder = await startRecorder();
  garbage = await startGarbage();
  odd = await startGpuSimulator({ model: "odd" });
  const at = (id: string, url: string, more: object = {}) => ({
    id,
    region: "us-east",
    backend: "openai",
    url,
    concurrencyPerWorker: 8,
    ...more,
  });
  canary = await startGpuSimulator({ model: "canary" });
  stable = await startGpuSimulator({ model: "stable" });
  fleet = await startFleet({
    model: "stable",
    endpoints: [{ id: "unused", region: "us-east" }],
    pool: {
      models: ["stable"],
      rails: { input: ["pii"] },
      endpoints: [at("stable-1", stable.url)],
      shadow: { pool: "next", percent: 100, bodyBytesMax: 2_000, timeoutMs: 2_000 },
    },
    morePools: {
      canary: { endpoints: [at("canary-1", canary.url)], fallback: ["main"] },
      watched: {
        endpoints: [at("watched-1", stable.url, { model: "stable" })],
        shadow: { pool: "strange", percent: 100, timeoutMs: 1_000 },
      },
      noted: {
        endpoints: [at("noted-1", stable.url, { model: "stable" })],
        shadow: { pool: "recorded", percent: 100 },
      },
      recorded: { endpoints: [at("recorded-1", recorder.url)] },
      loud: {
        endpoints: [at("loud-1", stable.url, { model: "stable" })],
        shadow: { pool: "endless", percent: 100, timeoutMs: 20_000 },
      },
      endless: { endpoints: [at("endless-1", garbage.url)] },
      strange: { endpoints: [at("strange-1", odd.url, { model: "odd" })] },
      next: {
        models: ["next"],
        endpoints: [at("next-1", next.url, { model: "next-model" })],
        rails: {
          input: [{ use: "regex", action: "block", options: { patterns: [{ name: "w", pattern: "not there" }] } }],
        },
      },
    },
    config: { split: { chat: { main: 95, canary: 5 }, half: { main: 1, canary: 1 } } },
  });
});
afterAll(async () => {
  await fleet.close();
  await next.close();
  recorder.close();
  garbage.close();
  for (const simulator of [odd, stable, canary]) await simulator.close();
});
afterEach(() => odd.setFault({ kind: "none" }));

/** A server that never ends what it says, and none of it means anything. */
async function startGarbage() {
  const server = createServer((request, response) => {
    if (request.method === "GET") {
      response.writeHead(200).end();
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    const piece = `data: {"choices":[{"index":0,"delta":{"content":"${"x".repeat(60_000)}"}}]}\n\n`;
    const more = (): void => {
      while (!response.destroyed && response.write(piece));
    };
    response.on("drain", more);
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function ask(model: string, content: string, headers: Readonly<Record<string, string>> = {}) {
  const client = openaiOf(fleet, { defaultHeaders: { "x-warmpath-place": "us-east", ...headers } });
  const body = { model, max_tokens: 4, messages: [{ role: "user" as const, content }] };
  const { data, response } = await client.chat.completions.create(body).withResponse();
  return { side: response.headers.get("x-warmpath-split"), model: data.model, response };
}

const shadows = async (pool: string) => {
  const text = await (await fleet.call("/metrics")).text();
  return readMetrics(text).sums("warmpath_shadow_requests_total", ["result"], { pool });
};

const counted = async (pool: string, done: (results: Readonly<Record<string, number>>) => boolean) =>
  fleet.until(async () => shadows(pool), done);

describe("a model that two pools share", () => {
  test("is answered under its own name, and the header says by which pool", async () => {
    const { side, model, response } = await ask("half", "hello");
    expect(["main", "canary"]).toContain(side);
    expect(model).toBe("half");
    expect(response.headers.get("x-warmpath-endpoint")).toBe(side === "main" ? "stable-1" : "canary-1");
  });

  test("a session stays at its pool, and so does a conversation that names none", async () => {
    for (const nth of [1, 2, 3, 4]) {
      const first = await ask("half", `question ${nth}`);
      const client = openaiOf(fleet);
      const messages = [
        { role: "user" as const, content: `question ${nth}` },
        { role: "assistant" as const, content: "an answer" },
        { role: "user" as const, content: "and then?" },
      ];
      const then = await client.chat.completions.create({ model: "half", max_tokens: 4, messages }).withResponse();
      expect(then.response.headers.get("x-warmpath-split")).toBe(first.side);
      const session = { "x-warmpath-session": `session ${nth}` };
      const sides = [await ask("half", "one", session), await ask("half", "two", session)].map(({ side }) => side);
      expect(sides[0]).toBe(sides[1]);
    }
  });

  test("is shared by weight: of 200 conversations some go to a canary of 5 in 100, and few", async () => {
    const asking = Array.from({ length: 200 }, (_, nth) => nth);
    let few = 0;
    const worker = async (): Promise<void> => {
      for (let nth = asking.pop(); nth !== undefined; nth = asking.pop())
        if ((await ask("chat", `conversation ${nth}`)).side === "canary") few += 1;
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    // Chance alone gives 1 to 26 in all but one of a million runs of the deployment's secret.
    expect(few).toBeGreaterThan(0);
    expect(few).toBeLessThan(27);
  });

  test("is a job's too, at the first of them", async () => {
    const response = await fleet.call("/v1/chat/completions", {
      method: "POST",
      headers: { prefer: "respond-async, wait=20", "content-type": "application/json" },
      body: JSON.stringify({ model: "chat", max_tokens: 4, messages: [{ role: "user", content: "hello" }] }),
    });
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('"model":"chat"')]);
  });

  test("is listed, explained and counted", async () => {
    const list = (await (await fleet.call("/v1/models")).json()) as {
      readonly data: readonly { readonly id: string }[];
    };
    expect(list.data.map(({ id }) => id)).toEqual(expect.arrayContaining(["chat", "half", "canary"]));
    const explained = await fleet.call("/admin/explain", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "chat" }),
    });
    expect(await explained.json()).toMatchObject({
      pool: "main",
      split: [
        { pool: "main", weight: 95, share: 0.95 },
        { pool: "canary", weight: 5, share: 0.05 },
      ],
      shadow: { pool: "next", percent: 100 },
    });
    const sums = await fleet.until(
      async () =>
        readMetrics(await (await fleet.call("/metrics")).text()).sums("warmpath_split_requests_total", [
          "gen_ai_request_model",
        ]),
      (all) => (all["chat"] ?? 0) >= 200,
    );
    expect(sums["half"]).toBeGreaterThan(0);
  });
});

describe("a copy to a shadow", () => {
  test("has the shadow's name of the model and none of the client's headers or secrets", async () => {
    const before = (await shadows("main"))["answered"] ?? 0;
    const { response } = await ask("stable", `hello, my address is ${SECRET}`, {});
    expect(response.headers.get("x-warmpath-endpoint")).toBe("stable-1");
    await counted("main", (results) => (results["answered"] ?? 0) > before);
    const copy = next.asked.find(({ messages }) => JSON.stringify(messages).includes("my address is"));
    expect(copy?.model).toBe("next-model");
    expect(JSON.stringify(copy)).not.toContain(SECRET);
  });

  test("has no header of the client's but the request's id", async () => {
    const headers = { "x-own": "private", cookie: "a=b", "x-api-key": "sk-own", "openai-beta": "things" };
    const { response } = await ask("noted", "hello", headers);
    await counted("noted", (results) => (results["answered"] ?? 0) > 0);
    const copy = recorder.seen.find(({ method }) => method === "POST");
    const text = copy?.headers.join(" ").toLowerCase() ?? "";
    expect(text).toContain(response.headers.get("x-request-id") ?? "none");
    expect([copy?.url, copy?.authorization]).toEqual(["/v1/chat/completions", null]);
    expect(text).not.toMatch(/x-own|private|cookie|sk-own|openai|stainless/);
  });

  test("is not sent of a body that a rail of either pool refuses, or that is too large", async () => {
    await ask("stable", "this is not there");
    await counted("main", (results) => (results["blocked"] ?? 0) === 1);
    await ask("stable", "x".repeat(2_001));
    await counted("main", (results) => (results["too_large"] ?? 0) === 1);
    expect(JSON.stringify(next.asked)).not.toMatch(/not there|x{100}/);
  });

  test.each([
    ["hangs for ever", { kind: "hang" } as const, "timeout"],
    ["answers with errors", { kind: "status", status: 500 } as const, "failed"],
    ["resets its connections", { kind: "reset" } as const, "failed"],
  ])("that %s changes nothing for the client", async (_, fault, result) => {
    odd.setFault(fault);
    const before = (await shadows("watched"))[result] ?? 0;
    const { response, model } = await ask("watched", "hello");
    expect([response.status, model, response.headers.get("x-warmpath-attempts")]).toEqual([200, "watched", "1"]);
    await counted("watched", (results) => (results[result] ?? 0) > before);
    expect((await fleet.call("/v1/usage")).status).toBe(200);
  });

  test("that never ends is read to a bound and no further, and the client's stream is whole", async () => {
    const client = openaiOf(fleet);
    const body = { model: "loud", max_tokens: 4, messages: [{ role: "user" as const, content: "hello" }] };
    const stream = await client.chat.completions.create({ ...body, stream: true });
    const reasons: unknown[] = [];
    for await (const { choices } of stream) reasons.push(choices[0]?.finish_reason ?? null);
    expect(reasons.at(-1)).toBe("length");
    await counted("loud", (results) => (results["too_long"] ?? 0) === 1);
  });

  test("is not sent where no slot is to spare, and waits for none", async () => {
    odd.setFault({ kind: "refuse", forMs: null });
    const results = await fleet.until(
      async () => {
        await ask("watched", "hello");
        return shadows("watched");
      },
      (seen) => (seen["no_slot"] ?? 0) > 0,
      20_000,
    );
    expect(results["no_slot"]).toBeGreaterThan(0);
  });
});
