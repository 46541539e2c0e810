import { describe, expect, test } from "vitest";
import { egress } from "../../backends/egress.ts";
import { openaiBackend } from "../../backends/openai.ts";
import { ANSWER_PEEK_BYTES } from "../../backends/port.ts";
import { targetAt } from "./contract.ts";
import { chat, start } from "./gpu-simulator-support.ts";
import { startAnswering, startOddServer } from "./odd-server.ts";

const never = new AbortController().signal;

async function probeAnswer(status: number, body: string) {
  const { url } = await startAnswering(status, body);
  return openaiBackend.probe(targetAt(url, `${url}/health`), egress, never);
}

describe("readiness", () => {
  test.each([
    { server: "vLLM", status: 200, body: "", is: "ready" },
    { server: "llama.cpp", status: 200, body: `{"status":"ok"}`, is: "ready" },
    {
      server: "llama.cpp while it loads",
      status: 503,
      body: `{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}`,
      is: "warming",
    },
    { server: "a server that says what it does", status: 503, body: `{"status": "starting"}`, is: "warming" },
    { server: "SGLang while it starts or drains", status: 503, body: "", is: "failed" },
    {
      server: "TGI that is unwell",
      status: 503,
      body: `{"error":"unhealthy","error_type":"healthcheck"}`,
      is: "failed",
    },
    { server: "a worker that initialises", status: 204, body: "", is: "warming" },
    { server: "a server that cannot load its model", status: 500, body: "Error: failed loading model", is: "failed" },
    { server: "a proxy with no server behind it", status: 502, body: `{"status":"starting"}`, is: "failed" },
  ])("$server, $status: $is", async ({ status, body, is }) => {
    expect((await probeAnswer(status, body)).kind).toBe(is);
  });

  test("does not claim to know GPU workers or load that the server does not tell", async () => {
    expect(await probeAnswer(200, "")).toEqual({ kind: "ready", warmWorkers: null });
  });

  test.each([
    { models: 200, is: "ready" },
    { models: 404, is: "failed" },
    { models: 401, is: "failed" },
    { models: 204, is: "failed" },
  ])("of a server without /health is that of /v1/models: $models is $is", async ({ models, is }) => {
    const server = await startOddServer((request, response) => {
      response.writeHead(request.url === "/v1/models" ? models : 404).end();
    });
    const found = await openaiBackend.probe(targetAt(server.url, `${server.url}/health`), egress, never);
    expect(found.kind).toBe(is);
    expect(server.asked.map(({ url, authorization }) => [url, authorization])).toEqual([
      ["/health", "Bearer health"],
      ["/v1/models", "Bearer work"],
    ]);
  });

  test("is read from the first ANSWER_PEEK_BYTES alone", async () => {
    const word = "Loading model";
    const within = " ".repeat(ANSWER_PEEK_BYTES - word.length) + word;
    expect((await probeAnswer(503, within)).kind).toBe("warming");
    expect((await probeAnswer(503, ` ${within}`)).kind).toBe("failed");
  });

  test("needs the key of a server that guards its models", async () => {
    const simulator = await start({ apiKey: "k" });
    const noHealth = targetAt(simulator.url, `${simulator.url}/none`, { authorization: "Bearer k" });
    expect((await openaiBackend.probe(noHealth, egress, never)).kind).toBe("ready");
    expect((await openaiBackend.probe({ ...noHealth, authorization: "Bearer x" }, egress, never)).kind).toBe("failed");
  });
});

describe("the answers of a simulated server", () => {
  test.each([
    { name: "an answer", changes: {}, fault: null, is: "served" },
    { name: "a wrong request", changes: { messages: "none" }, fault: null, is: "client_fault" },
    { name: "an unknown model", changes: { model: "other" }, fault: null, is: "client_fault" },
    { name: "a full queue", changes: {}, fault: 429, is: "capacity" },
    { name: "a broken server", changes: {}, fault: 500, is: "server_fault" },
  ] as const)("$name is $is", async ({ changes, fault, is }) => {
    const simulator = await start();
    if (fault !== null) simulator.setFault({ kind: "status", status: fault });
    const { status, headers, ...rest } = await chat(simulator, changes);
    expect(rest).toBeDefined();
    expect(openaiBackend.classify({ status, headers, bodyStart: "" })).toBe(is);
  });

  test("Runpod's words mean nothing from another server", () => {
    const bodyStart = "timed out waiting for worker";
    expect(openaiBackend.classify({ status: 400, headers: new Headers(), bodyStart })).toBe("client_fault");
  });
});
