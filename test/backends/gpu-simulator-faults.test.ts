import { describe, expect, test } from "vitest";
import { CONTROL_BODY_BYTES_MAX } from "../../backends/gpu-simulator/control.ts";
import { FAILURES, FAULT_MS_MAX } from "../../backends/gpu-simulator/faults.ts";
import type { GpuSimulator } from "../../backends/gpu-simulator/simulator.ts";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { chat, eventsOf, jsonOf, post, start } from "./gpu-simulator-support.ts";

describe("faults", () => {
  const order = async (simulator: GpuSimulator, fault: unknown): Promise<number> =>
    (await post(simulator, "/sim/faults", fault)).status;

  const causeOf = async (attempt: Promise<unknown>): Promise<string> => {
    try {
      await attempt;
      return "answered";
    } catch (error) {
      const cause = (error as Error).cause as { code?: string } | undefined;
      return cause?.code ?? "unknown";
    }
  };

  test("status answers the next n requests, with Retry-After, and probes stay well", async () => {
    const simulator = await start();
    expect(await order(simulator, { kind: "status", status: 429, retryAfter: 7, latencyMs: 1, times: 2 })).toBe(200);
    const responses = [await chat(simulator), await chat(simulator), await chat(simulator)];
    expect(responses.map((response) => response.status)).toEqual([429, 429, 200]);
    expect(responses[0]?.headers.get("retry-after")).toBe("7");
    expect(await responses[0]?.json()).toMatchObject({ error: { code: 429 } });
    await order(simulator, { kind: "status", status: 500 });
    expect((await fetch(`${simulator.url}/ping`)).status).toBe(200);
    await order(simulator, { kind: "status", status: 500, paths: "all" });
    expect((await fetch(`${simulator.url}/ping`)).status).toBe(500);
    await order(simulator, { kind: "none" });
    expect((await chat(simulator)).status).toBe(200);
  });

  test("capacity answers as Runpod does without a free worker", async () => {
    const simulator = await start();
    simulator.setFault({ kind: "capacity", times: 1 });
    const timedOut = await chat(simulator);
    expect([timedOut.status, await timedOut.text()]).toEqual([400, "timed out waiting for worker"]);
    simulator.setFault({ kind: "capacity", answer: "no_workers", times: 1 });
    const noWorkers = await chat(simulator);
    expect([noWorkers.status, await noWorkers.json()]).toEqual([400, { error: "no workers available" }]);
  });

  test("reset drops the connection before any byte", async () => {
    const simulator = await start();
    await order(simulator, { kind: "reset", times: 1 });
    expect(await causeOf(chat(simulator))).toMatch(/^(ECONNRESET|UND_ERR_SOCKET)$/u);
    expect((await chat(simulator)).status).toBe(200);
    expect(simulator.stats).toMatchObject({ killed: 1, aborted: 0, answered: 1 });
  });

  test("hang never answers, and the client's leave is seen", async () => {
    const simulator = await start();
    await order(simulator, { kind: "hang", times: 1 });
    const leave = new AbortController();
    const hanging = chat(simulator, {}, { signal: leave.signal });
    await expect.poll(() => simulator.stats.activeRequests).toBe(1);
    expect((await chat(simulator)).status).toBe(200);
    leave.abort();
    await expect(hanging).rejects.toThrow("aborted");
    await expect.poll(() => simulator.stats.aborted).toBe(1);
  });

  test.each([0, 1, 100, 1000])("die_after_bytes %i delivers exactly that much of a stream", async (bytes) => {
    const simulator = await start();
    await order(simulator, { kind: "die_after_bytes", bytes, times: 1 });
    const response = await chat(simulator, { stream: true, max_tokens: 50 });
    expect(response.status).toBe(200);
    let received = 0;
    const read = async (): Promise<void> => {
      for await (const chunk of response.body ?? []) received += chunk.length;
    };
    await expect(read()).rejects.toThrow("terminated");
    expect(received).toBe(bytes);
    await expect.poll(() => simulator.stats).toMatchObject({ killed: 1, aborted: 0 });
    expect(simulator.engine.running).toHaveLength(0);
  });

  test("die_after_bytes cuts a whole answer too", async () => {
    const simulator = await start();
    simulator.setFault({ kind: "die_after_bytes", bytes: 0, times: 1 });
    const response = await post(simulator, "/raw", "text");
    await expect(response.text()).rejects.toThrow("terminated");
  });

  test("slow stretches the engine's steps until it is cleared", async () => {
    const simulator = await start();
    await order(simulator, { kind: "slow", factor: 3 });
    expect(simulator.engine.slowdown).toBe(3);
    await order(simulator, { kind: "none" });
    expect(simulator.engine.slowdown).toBe(1);
  });

  test("refuse shuts the port for new connections while what runs goes on, and it can open again", async () => {
    const simulator = await start({ engine: { ...ENGINE_PRESETS.fast, stepBaseMs: 20 } });
    const running = await chat(simulator, { stream: true });
    expect(await order(simulator, { kind: "refuse" })).toBe(200);
    expect(await causeOf(chat(simulator))).toBe("ECONNREFUSED");
    expect(eventsOf(await running.text()).at(-1)).toBe("data: [DONE]");
    await expect.poll(() => simulator.stats.activeConnections).toBe(0);
    await simulator.listenAgain();
    expect((await chat(simulator)).status).toBe(200);
  });

  test("refuse for a time opens the port by itself", async () => {
    const simulator = await start();
    await order(simulator, { kind: "refuse", forMs: 5 });
    await expect.poll(() => causeOf(chat(simulator))).toBe("answered");
  });

  test.each([
    { path: "/sim/faults", body: { kind: "explode" } },
    { path: "/sim/faults", body: { kind: "status" } },
    { path: "/sim/faults", body: { kind: "slow", factor: 2, times: 1 } },
    { path: "/sim/state", body: { state: "hot" } },
  ])("the order $body to $path is refused with a reason", async ({ path, body }) => {
    const response = await post(await start(), path, body);
    expect(response.status).toBe(400);
    expect((await jsonOf(response)).error).not.toBe("");
  });

  test.each([
    { bytes: CONTROL_BODY_BYTES_MAX, forMs: FAULT_MS_MAX, status: 200 },
    { bytes: CONTROL_BODY_BYTES_MAX + 1, forMs: 1, status: 400 },
    { bytes: 100, forMs: FAULT_MS_MAX + 1, status: 400 },
  ])("an order of $bytes bytes for $forMs ms gets $status", async ({ bytes, forMs, status }) => {
    const body = JSON.stringify({ kind: "status", status: 500, latencyMs: forMs }).padEnd(bytes);
    expect((await fetch(`${(await start()).url}/sim/faults`, { method: "POST", body })).status).toBe(status);
  });

  test("stats are served, and orders are not counted as work", async () => {
    const simulator = await start();
    await chat(simulator, {}, { headers: { "x-request-id": "r-9" } });
    const stats = await jsonOf(fetch(`${simulator.url}/sim/stats`));
    expect(stats).toMatchObject({ requests: 1, answered: 1, dispatchedIds: ["r-9"], state: "warm", fault: null });
    expect((await fetch(`${simulator.url}/sim/else`)).status).toBe(404);
  });

  test("what found no room, or was left before it began, is told from what failed and from what was served", async () => {
    const simulator = await start();
    const send = (id: string, signal?: AbortSignal) =>
      chat(simulator, {}, { headers: { "x-request-id": id }, ...(signal === undefined ? {} : { signal }) });
    for (const [id, fault] of [
      ["busy", { kind: "status", status: 503 }],
      ["broken", { kind: "status", status: 500 }],
      ["served", { kind: "none" }],
    ] as const) {
      simulator.setFault(fault);
      await (await send(id)).text();
    }
    simulator.setFault({ kind: "hang", times: 1 });
    const leaving = new AbortController();
    const left = send("left", leaving.signal);
    await expect.poll(() => simulator.stats.activeRequests).toBe(1);
    leaving.abort();
    await expect(left).rejects.toThrow();
    await expect.poll(() => simulator.stats.unbegunIds).toEqual(["busy", "left"]);
  });

  test("injected failures are of the chosen types and repeat with the seed", async () => {
    const outcome = async (): Promise<number[]> => {
      const simulator = await start({
        failureInjectionRate: 50,
        failureTypes: ["rate_limit", "server_error"],
        seed: 5,
      });
      const statuses: number[] = [];
      for (let count = 0; count < 20; count += 1) statuses.push((await chat(simulator, { max_tokens: 1 })).status);
      return statuses;
    };
    const statuses = await outcome();
    expect(new Set(statuses)).toEqual(new Set([200, FAILURES.rate_limit.status, FAILURES.server_error.status]));
    expect(await outcome()).toEqual(statuses);
  });
});
