import { describe, expect, test } from "vitest";
import { egress } from "../../backends/egress.ts";
import { ANSWER_PEEK_BYTES } from "../../backends/port.ts";
import { runpodLbBackend } from "../../backends/runpod-lb.ts";
import { targetAt } from "./contract.ts";
import { chat, start } from "./gpu-simulator-support.ts";
import { startAnswering } from "./odd-server.ts";

const never = new AbortController().signal;

const classify = (status: number, bodyStart: string) =>
  runpodLbBackend.classify({ status, headers: new Headers(), bodyStart });

describe("what an answer means", () => {
  test.each([
    { status: 400, body: "timed out waiting for worker", is: "capacity" },
    { status: 400, body: `{"error":"worker_timeout"}`, is: "capacity" },
    { status: 400, body: `{"error":"no workers available"}`, is: "capacity" },
    { status: 404, body: `{"error":"affinity_worker_gone"}`, is: "capacity" },
    { status: 400, body: `{"error":{"message":"prompt is too long"}}`, is: "too_long" },
    { status: 400, body: "", is: "client_fault" },
    { status: 404, body: `{"detail":"Not Found"}`, is: "client_fault" },
    { status: 400, body: `{"error":"not allowed for QB API"}`, is: "client_fault" },
    { status: 401, body: "", is: "server_fault" },
    { status: 403, body: "forbidden", is: "server_fault" },
    { status: 502, body: "", is: "server_fault" },
    { status: 524, body: "", is: "server_fault" },
    { status: 500, body: "no workers available", is: "server_fault" },
    { status: 200, body: "timed out waiting for worker", is: "served" },
  ])("$status $body: $is", ({ status, body, is }) => {
    expect(classify(status, body)).toBe(is);
  });

  test.each(["timed_out", "no_workers"] as const)(
    "a simulated endpoint without a GPU worker (%s) has no room",
    async (answer) => {
      const simulator = await start();
      simulator.setFault({ kind: "capacity", answer });
      const response = await chat(simulator);
      expect(classify(response.status, await response.text())).toBe("capacity");
    },
  );

  test("a wrong request to a simulated endpoint is the client's fault", async () => {
    const simulator = await start();
    const response = await chat(simulator, { messages: "none" });
    expect(classify(response.status, await response.text())).toBe("client_fault");
  });
});

describe("readiness", () => {
  const six = { idle: 0, initializing: 0, ready: 0, running: 0, throttled: 0, unhealthy: 0 };
  const ready = (warmWorkers: number | null) => ({ kind: "ready", warmWorkers });

  const probeBody = async (status: number, body: string, path = "/v2/abc/health") => {
    const { url } = await startAnswering(status, body);
    return runpodLbBackend.probe(targetAt(url, url + path), egress, never);
  };
  const probeWorkers = (workers: Record<string, unknown>) =>
    probeBody(
      200,
      JSON.stringify({ jobs: { completed: 1, failed: 0, inProgress: 0, inQueue: 0, retried: 0 }, workers }),
    );

  test.each([
    { fields: "six", workers: { ...six, idle: 1, ready: 1 }, is: ready(1) },
    { fields: "six, busy", workers: { ...six, running: 2, ready: 2 }, is: ready(2) },
    { fields: "six, not routable yet", workers: { ...six, idle: 1, initializing: 1 }, is: { kind: "warming" } },
    { fields: "six, starting", workers: { ...six, initializing: 2 }, is: { kind: "warming" } },
    { fields: "six, throttled", workers: { ...six, throttled: 3, unhealthy: 1 }, is: { kind: "cold" } },
    { fields: "six, none", workers: six, is: { kind: "cold" } },
    { fields: "five", workers: { idle: 0, initializing: 0, ready: 3, running: 3, throttled: 0 }, is: ready(3) },
    {
      fields: "five, none",
      workers: { idle: 0, initializing: 0, ready: 0, running: 0, throttled: 1 },
      is: { kind: "cold" },
    },
    { fields: "two", workers: { idle: 1, running: 2 }, is: ready(3) },
    { fields: "two, none", workers: { idle: 0, running: 0 }, is: { kind: "cold" } },
    { fields: "not numbers", workers: { ready: "1", initializing: null }, is: { kind: "cold" } },
    { fields: "none at all", workers: {}, is: { kind: "cold" } },
  ])("with $fields worker fields", async ({ workers, is }) => {
    expect(await probeWorkers(workers)).toEqual(is);
  });

  test.each([
    { status: 200, body: "", is: ready(null) },
    { status: 200, body: `{"status":"healthy"}`, is: ready(null) },
    { status: 204, body: "", is: { kind: "warming" } },
    { status: 503, body: "", is: { kind: "failed" } },
    { status: 404, body: "", is: { kind: "failed" } },
  ])("of a worker's own /ping: $status $body", async ({ status, body, is }) => {
    expect(await probeBody(status, body, "/ping")).toMatchObject(is);
  });

  test.each([
    ["a page of somebody else", "<html>It works!</html>"],
    ["JSON without counts", `{"status":"healthy"}`],
    ["counts beyond what is read", `{"pad":"${" ".repeat(ANSWER_PEEK_BYTES)}","workers":{"ready":1}}`],
  ])("is not found in %s at Runpod's API", async (_, body) => {
    expect(await probeBody(200, body)).toMatchObject({ kind: "failed" });
  });

  test("is read at Runpod's API without waking or sending work", async () => {
    const simulator = await start({ startState: "cold", apiKey: "k" });
    const target = targetAt(simulator.url, `${simulator.url}/v2/abc/health`, { healthAuthorization: "Bearer k" });
    expect(await runpodLbBackend.probe(target, egress, never)).toEqual({ kind: "cold" });
    expect([simulator.state(), simulator.stats.requests]).toEqual(["cold", 0]);
    await runpodLbBackend.wake(target, egress, never);
    expect(await runpodLbBackend.probe(target, egress, never)).toEqual({ kind: "warming" });
    simulator.setState("warm");
    expect(await runpodLbBackend.probe(target, egress, never)).toEqual(ready(1));
  });
});
