import { describe, expect, test } from "vitest";
import { classifyStatus, retryAfterMs } from "../../backends/classify.ts";

const NOW = Date.parse("Mon, 30 Nov 2026 08:00:00 GMT");

describe("when a server wants to be asked again", () => {
  test.each<readonly [headers: Record<string, string>, expectedMs: number | null]>([
    [{ "retry-after": "2" }, 2_000],
    [{ "retry-after": "0.5" }, 500],
    [{ "retry-after": "Mon, 30 Nov 2026 08:00:07 GMT" }, 7_000],
    [{ "retry-after-ms": "250", "retry-after": "1" }, 250],
    [{ "retry-after-ms": "soon", "retry-after": "3" }, 3_000],
    [{}, null],
    [{ "retry-after": "0" }, null],
    [{ "retry-after": "-5" }, null],
    [{ "retry-after": "later" }, null],
    [{ "retry-after": "" }, null],
    [{ "retry-after": "Infinity" }, null],
    [{ "retry-after": "Mon, 30 Nov 2026 07:59:00 GMT" }, null],
    [{ "retry-after": "Mon, 99 Nov" }, null],
  ])("%o says %s ms", (headers, expectedMs) => {
    expect(retryAfterMs(new Headers(headers), NOW)).toBe(expectedMs);
  });
});

describe("a request that is longer than the context is too long here, in the words of", () => {
  const error = (message: string, changes: object = {}): string => JSON.stringify({ error: { message, ...changes } });

  test.each([
    { name: "OpenAI", status: 400, body: error("Too many tokens.", { code: "context_length_exceeded" }) },
    {
      name: "vLLM",
      status: 400,
      body: error("This model's maximum context length is 4096 tokens. However, you requested 4472 tokens", {
        type: "BadRequestError",
      }),
    },
    {
      name: "vLLM of a whole prompt",
      status: 400,
      body: error("The decoder prompt (length 10127) is longer than the maximum model length of 8192."),
    },
    {
      name: "llama.cpp",
      status: 400,
      body: error("request (9412 tokens) exceeds the available context size (8192 tokens), try increasing it", {
        type: "exceed_context_size_error",
      }),
    },
    {
      name: "SGLang",
      status: 400,
      body: error("The input (61709 tokens) is longer than the model's context length (40960 tokens)."),
    },
    {
      name: "SGLang with little memory",
      status: 400,
      body: error("Input length (160062 tokens) exceeds the maximum allowed length (59862 tokens)."),
    },
    {
      name: "TGI",
      status: 422,
      body: error(
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 200 `max_new_tokens`",
      ),
    },
    { name: "TEI", status: 413, body: error("`inputs` must have less than 512 tokens. Given: 900") },
  ])("$name", ({ status, body }) => {
    expect(classifyStatus(status, body)).toBe("too_long");
    expect(classifyStatus(404, body), "another status").toBe("client_fault");
  });

  test.each([
    error("max_tokens must be at least 1, got -5."),
    error("messages: array too long. Expected an array with maximum length 2048"),
    "<h1>413 Request Entity Too Large</h1>",
    "",
  ])("but not %j", (body) => {
    for (const status of [400, 413, 422]) expect(classifyStatus(status, body)).toBe("client_fault");
  });
});

describe("an error of the server is the client's where it says so itself", () => {
  const error = (changes: object): string => JSON.stringify({ error: { code: 500, ...changes } });

  test.each([
    { name: "a 501", status: 501, body: error({ type: "server_error" }) },
    { name: "OpenAI's type", status: 500, body: error({ type: "invalid_request_error", message: "no" }) },
    { name: "vLLM's type", status: 500, body: '{"object":"error","message":"no","type": "BadRequestError"}' },
    {
      name: "llama.cpp's grammar",
      status: 500,
      body: error({ message: "Failed to parse grammar", type: "server_error" }),
    },
    {
      name: "llama.cpp's image",
      status: 500,
      body: error({ message: "image input is not supported", type: "server_error" }),
    },
  ])("$name", ({ status, body }) => {
    expect(classifyStatus(status, body)).toBe("client_fault");
  });

  test.each([
    { name: "no words", status: 500, body: "" },
    { name: "a crash", status: 500, body: error({ message: "CUDA out of memory", type: "server_error" }) },
    { name: "words about a request", status: 502, body: "<h1>invalid request to backend</h1>" },
    { name: "our own credential", status: 401, body: error({ type: "invalid_request_error" }) },
  ])("and not with $name", ({ status, body }) => {
    expect(classifyStatus(status, body)).toBe("server_fault");
  });

  test("what says that there is no room is neither", () => {
    expect(classifyStatus(503, error({ type: "invalid_request_error" }))).toBe("capacity");
  });
});
