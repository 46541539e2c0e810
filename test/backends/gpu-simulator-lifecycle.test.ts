import { describe, expect, test, vi } from "vitest";
import { createLifecycle } from "../../backends/gpu-simulator/lifecycle.ts";
import type { GpuSimulator } from "../../backends/gpu-simulator/simulator.ts";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { chat, eventsOf, jsonOf, post, start, STUCK } from "./gpu-simulator-support.ts";

describe("probes", () => {
  const probe = async (simulator: GpuSimulator): Promise<readonly number[]> =>
    Promise.all(["/ping", "/health"].map(async (path) => (await fetch(simulator.url + path)).status));

  const workers = async (simulator: GpuSimulator): Promise<Record<string, number>> =>
    (await jsonOf(fetch(`${simulator.url}/v2/any/health`))).workers;

  test.each([
    { state: "cold", statuses: [204, 503], counts: { initializing: 0, ready: 0, idle: 0 } },
    { state: "warming", statuses: [204, 503], counts: { initializing: 1, ready: 0, idle: 0 } },
    { state: "warm", statuses: [200, 200], counts: { initializing: 0, ready: 1, idle: 1 } },
    { state: "draining", statuses: [503, 503], counts: { initializing: 0, ready: 0, idle: 0 } },
  ] as const)("a $state endpoint answers ping and health with $statuses", async ({ state, statuses, counts }) => {
    const simulator = await start();
    simulator.setState(state);
    expect(await workers(simulator)).toMatchObject({ ...counts, throttled: 0, unhealthy: 0 });
    expect(await probe(simulator)).toEqual(statuses);
  });

  test("a busy worker is ready and running, and the load counts it", async () => {
    const simulator = await start({ engine: STUCK });
    const leave = new AbortController();
    await chat(simulator, { stream: true }, { signal: leave.signal });
    expect(await workers(simulator)).toMatchObject({ ready: 1, running: 1, idle: 0 });
    expect(await jsonOf(fetch(`${simulator.url}/load`))).toEqual({ server_load: 1 });
    leave.abort();
  });

  test("metrics are Prometheus text in which each answer was counted once", async () => {
    const simulator = await start({ model: 'quo"ted' });
    await chat(simulator, { model: undefined });
    await chat(simulator, { model: undefined, stream: true }).then((response) => response.text());
    const lines = (await (await fetch(`${simulator.url}/metrics`)).text()).trimEnd().split("\n");
    const values = new Map<string, number>();
    for (const line of lines) {
      if (line.startsWith("# ")) {
        expect(line).toMatch(/^# (HELP|TYPE) vllm:[a-z0-9_]+ .+$/u);
        continue;
      }
      const match = /^(vllm:[a-z0-9_]+\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\}) ([0-9.e+-]+)$/u.exec(line);
      expect(match, line).not.toBeNull();
      values.set(match?.[1] ?? "", Number(match?.[2]));
    }
    const value = (name: string, labels = ""): number | undefined =>
      values.get(`${name}{model_name="quo_ted"${labels}}`);
    expect(value("vllm:num_requests_running")).toBe(0);
    expect(value("vllm:num_requests_waiting")).toBe(0);
    expect(value("vllm:kv_cache_usage_perc")).toBe(0);
    expect(value("vllm:prompt_tokens_total")).toBe(10);
    expect(value("vllm:generation_tokens_total")).toBe(10);
    expect(value("vllm:request_success_total", ',finished_reason="length"')).toBe(2);
    expect(value("vllm:time_to_first_token_seconds_count")).toBe(2);
    expect(value("vllm:time_to_first_token_seconds_bucket", ',le="+Inf"')).toBe(2);
    expect(value("vllm:inter_token_latency_seconds_count")).toBe(8);
    expect(value("vllm:e2e_request_latency_seconds_count")).toBe(2);
  });
});

describe("lifecycle", () => {
  test("a request to a cold endpoint starts it, waits, and is answered when it is warm", async () => {
    const simulator = await start({ startState: "cold" });
    const answer = chat(simulator);
    await expect.poll(() => simulator.state()).toBe("warming");
    expect((await fetch(`${simulator.url}/ping`)).status).toBe(204);
    simulator.setState("warm");
    expect((await answer).status).toBe(200);
  });

  test("a ping starts a cold endpoint, which is warm after the cold start", async () => {
    const simulator = await start({ startState: "cold", coldStartMs: 5 });
    expect((await fetch(`${simulator.url}/health`)).status).toBe(503);
    expect(simulator.state()).toBe("cold");
    await fetch(`${simulator.url}/ping`);
    await expect.poll(async () => (await fetch(`${simulator.url}/ping`)).status).toBe(200);
  });

  test("a request that no worker takes in time gets Runpod's 400", async () => {
    const simulator = await start({ startState: "warming", noWorkerTimeoutMs: 10 });
    const response = await chat(simulator);
    expect([response.status, await response.text()]).toEqual([400, "timed out waiting for worker"]);
  });

  test("a client that stops waiting for a worker is counted, and waits no longer", async () => {
    const simulator = await start({ startState: "cold" });
    const leave = new AbortController();
    const answer = chat(simulator, {}, { signal: leave.signal });
    await expect.poll(() => simulator.state()).toBe("warming");
    leave.abort();
    await expect(answer).rejects.toThrow("aborted");
    await expect.poll(() => simulator.stats.aborted).toBe(1);
  });

  test("a draining endpoint ends what runs and refuses what comes", async () => {
    const simulator = await start({ engine: { ...ENGINE_PRESETS.fast, stepBaseMs: 20 } });
    const running = await chat(simulator, { stream: true });
    expect((await post(simulator, "/sim/state", { state: "draining" })).status).toBe(200);
    expect((await chat(simulator)).status).toBe(503);
    expect(eventsOf(await running.text()).at(-1)).toBe("data: [DONE]");
  });

  test("an idle endpoint goes cold after its idle time, a busy one does not", () => {
    vi.useFakeTimers();
    try {
      const lifecycle = createLifecycle({ startState: "warm", coldStartMs: 1000, idleTimeoutMs: 50 });
      vi.advanceTimersByTime(49);
      const [leaveFirst, leaveSecond] = [lifecycle.enter(), lifecycle.enter()];
      vi.advanceTimersByTime(500);
      leaveFirst();
      leaveFirst();
      vi.advanceTimersByTime(500);
      expect(lifecycle.state()).toBe("warm");
      leaveSecond();
      vi.advanceTimersByTime(49);
      expect(lifecycle.state()).toBe("warm");
      vi.advanceTimersByTime(1);
      expect(lifecycle.state()).toBe("cold");
    } finally {
      vi.useRealTimers();
    }
  });

  test("an endpoint that goes cold under a waiting request starts again", async () => {
    const simulator = await start({ startState: "warming" });
    const answer = chat(simulator);
    await expect.poll(async () => (await jsonOf(fetch(`${simulator.url}/v2/x/health`))).jobs.inQueue).toBe(1);
    simulator.setState("cold");
    expect(simulator.state()).toBe("warming");
    simulator.setState("warm");
    expect((await answer).status).toBe(200);
  });
});
