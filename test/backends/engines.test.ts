/** The traps of single kinds of servers: what each says that would be taken for something else. */
import { describe, expect, test } from "vitest";
import { egress } from "../../backends/egress.ts";
import type { Target } from "../../backends/port.ts";
import { BACKENDS } from "../../backends/registry.ts";
import { targetAt } from "./contract.ts";
import { start } from "./gpu-simulator-support.ts";
import { startAnswering, startOddServer } from "./odd-server.ts";

const never = new AbortController().signal;

type Kind = keyof typeof BACKENDS;

/** `answers`: status and body by path; everything else is 404. */
async function probe(
  kind: Kind,
  path: string,
  answers: Readonly<Record<string, readonly [number, string]>>,
  changes: Partial<Target> = {},
) {
  const server = await startOddServer(({ url }, response) => {
    const [status, body] = answers[url ?? ""] ?? [404, ""];
    response.writeHead(status).end(body);
  });
  const found = await BACKENDS[kind].probe(targetAt(server.url, server.url + path, changes), egress, never);
  return { kind: found.kind, asked: server.asked.map(({ url }) => url) };
}

const classOf = (kind: Kind, status: number, bodyStart = "") =>
  BACKENDS[kind].classify({ status, headers: new Headers(), bodyStart });

describe("SGLang", () => {
  const loads = (...ranks: readonly object[]): string => JSON.stringify({ loads: ranks });

  test("without a rank behind its 200 is broken", async () => {
    expect(await probe("sglang", "/v1/loads", { "/v1/loads": [200, loads()] })).toMatchObject({ kind: "failed" });
  });

  test("with one rank that has no room yet is not ready", async () => {
    const body = loads({ max_total_num_tokens: 9 }, { max_total_num_tokens: 0 });
    expect(await probe("sglang", "/v1/loads", { "/v1/loads": [200, body] })).toMatchObject({ kind: "warming" });
  });

  test("is not asked for its health, which generates a token, where it tells its load", async () => {
    const body = loads({ max_total_num_tokens: 9 });
    expect(await probe("sglang", "/v1/loads", { "/v1/loads": [200, body] })).toEqual({
      kind: "ready",
      asked: ["/v1/loads"],
    });
  });

  test.each([
    [200, "ready"],
    [503, "warming"],
    [500, "failed"],
  ] as const)("of an older version is asked for its health: %i", async (status, kind) => {
    expect(await probe("sglang", "/v1/loads", { "/health": [status, ""] })).toEqual({
      kind,
      asked: ["/v1/loads", "/health"],
    });
  });

  test("that gave its slot to a higher priority has no room", () => {
    expect(classOf("sglang", 503, "The request is aborted by a higher priority request.")).toBe("capacity");
  });
});

describe("TGI", () => {
  test("whose generation failed is at fault, not the client", () => {
    expect(classOf("tgi", 424, `{"error":"Request failed during generation","error_type":"generation"}`)).toBe(
      "server_fault",
    );
    expect(classOf("openai", 424)).toBe("client_fault");
  });

  test("that is full says so with a 429", () => {
    expect(classOf("tgi", 429, `{"error":"Model is overloaded","error_type":"overloaded"}`)).toBe("capacity");
  });
});

describe("cog", () => {
  test.each([
    ["READY", "ready"],
    ["BUSY", "ready"],
    ["STARTING", "warming"],
    ["SETUP_FAILED", "failed"],
    ["DEFUNCT", "failed"],
    ["UNHEALTHY", "failed"],
    ["SOMETHING", "failed"],
  ] as const)("that says %s with a 200 is %s", async (status, kind) => {
    const body = JSON.stringify({ status });
    expect(await probe("cog", "/health-check", { "/health-check": [200, body] })).toMatchObject({ kind });
  });

  test("whose slots are taken has no room", () => {
    expect(classOf("cog", 409)).toBe("capacity");
    expect(classOf("openai", 409)).toBe("client_fault");
  });
});

describe("Ollama", () => {
  const resident = (...names: readonly string[]): string => JSON.stringify({ models: names.map((name) => ({ name })) });
  const ps = (body: string, model: string | null) =>
    probe("ollama", "/api/ps", { "/api/ps": [200, body], "/": [200, "Ollama is running"] }, { model });

  test.each([
    ["the model", ["llama3:8b"], "llama3:8b", "ready"],
    ["the model under its tag", ["llama3:latest"], "llama3", "ready"],
    ["another model", ["qwen:latest"], "llama3", "cold"],
    ["another size of it", ["llama3:70b"], "llama3:8b", "cold"],
    ["nothing", [], "llama3", "cold"],
    ["any model, where the config names none", ["qwen:latest"], null, "ready"],
    ["nothing, where the config names none", [], null, "cold"],
  ] as const)("with %s in memory", async (_, names, model, kind) => {
    expect(await ps(resident(...names), model)).toMatchObject({ kind });
  });

  test("is woken by an empty generation, which loads the model", async () => {
    const simulator = await start({ startState: "cold", imitates: "ollama", coldStartMs: 1 });
    const target = targetAt(simulator.url, `${simulator.url}/api/ps`, { authorization: null });
    await BACKENDS.ollama.wake(target, egress, never);
    await expect
      .poll(async () => (await BACKENDS.ollama.probe(target, egress, never)).kind, { timeout: 60_000 })
      .toBe("ready");
  });

  test("is not told to load a model that nobody named", async () => {
    const server = await startAnswering(200, resident());
    await BACKENDS.ollama.wake(targetAt(server.url, `${server.url}/api/ps`, { model: null }), egress, never);
    expect(server.asked.map(({ method }) => method)).toEqual(["GET"]);
  });
});

describe("llama.cpp", () => {
  const loading = `{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}`;

  test("that loads its model is warming, and has no room for work", async () => {
    expect(await probe("llamacpp", "/health", { "/health": [503, loading] })).toMatchObject({ kind: "warming" });
    expect(classOf("llamacpp", 503, loading)).toBe("capacity");
  });

  test("whose model cannot do what was asked is well", () => {
    expect(classOf("llamacpp", 501)).toBe("client_fault");
  });
});

describe("NIM and Triton", () => {
  test("are asked for their readiness, not for their life", async () => {
    const answers = { "/v1/health/live": [200, "{}"], "/v1/health/ready": [503, "{}"] } as const;
    expect(await probe("nim", "/v1/health/ready", answers)).toEqual({ kind: "warming", asked: ["/v1/health/ready"] });
    const triton = { "/v2/health/live": [200, ""], "/v2/health/ready": [400, ""] } as const;
    expect(await probe("triton", "/v2/health/ready", triton)).toEqual({
      kind: "warming",
      asked: ["/v2/health/ready"],
    });
  });
});
