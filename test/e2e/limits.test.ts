/**
 * Ordinary large requests against the default limits, what a limit says of itself, and bodies that are no honest ones.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { REQUEST_HEADERS_MAX } from "../../src/wire/headers.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { openaiOf } from "../support/openai.ts";
import { rawCall } from "../support/raw-client.ts";

const MIB = 1_048_576;
const SMALL = { charsMax: 1_000, messagesMax: 3, tokensMax: 400 };
const BODY_TIMEOUT_MS = 1_500;

type Seen = { readonly bytes: number; readonly body: Buffer; readonly encoding: string | undefined };
/** What the endpoint got last. */
let seen: Seen | null = null;
let server: Server;
/** A kilobyte that is half a gigabyte, as an answer. */
const packedAnswer = brotliCompressSync(Buffer.alloc(512 * MIB, "{"), {
  params: { [constants.BROTLI_PARAM_QUALITY]: 4 },
});
let fleet: Fleet;

const whole = JSON.stringify({
  id: "c1",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }],
});

/** An endpoint that takes whatever comes. */
async function startEndpoint(): Promise<string> {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      if (request.method === "POST") {
        seen = { bytes: body.length, body, encoding: request.headers["content-encoding"] };
      }
      const packed = request.url === "/bomb" || body.includes("a bomb, please");
      const headers = packed ? { "content-encoding": "br", "content-length": packedAnswer.length } : {};
      response.writeHead(200, { "content-type": "application/json", ...headers });
      if (packed) response.end(packedAnswer);
      else response.end(request.url?.endsWith("/embeddings") ? vectors(body) : whole);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function vectors(body: Buffer): string {
  const { input } = JSON.parse(body.toString()) as { input: readonly string[] };
  const data = input.map((_, index) => ({ object: "embedding", index, embedding: [index] }));
  return JSON.stringify({ object: "list", model: "m", data, usage: { prompt_tokens: 1, total_tokens: 1 } });
}

beforeAll(async () => {
  const url = await startEndpoint();
  const endpoint = (id: string) => ({ id, region: "us-east", backend: "openai", url, concurrencyPerWorker: 16 });
  const { tokensMax, ...size } = SMALL;
  fleet = await startFleet({
    endpoints: [{ id: "unused", region: "us-east" }],
    morePools: {
      big: { endpoints: [endpoint("big-a")], paths: ["/compare", "/bomb"] },
      small: { endpoints: [endpoint("small-a")], rails: { input: [{ use: "size", options: size }] } },
      few: { endpoints: [endpoint("few-a")], rails: { input: [{ use: "tokens", options: { tokensMax } }] } },
    },
    config: { limits: { bodyTimeoutMs: BODY_TIMEOUT_MS } },
  });
});
afterAll(async () => {
  await fleet.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const json = { "content-type": "application/json" };
const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
  fleet.call("/v1/chat/completions", { method: "POST", body, headers: { ...json, ...headers } });
const chat = (model: string, messages: readonly unknown[]) => post(JSON.stringify({ model, messages }));
const user = (content: unknown) => ({ role: "user", content });
const words = (count: number) => "word ".repeat(count);

async function refusal(response: Response): Promise<{ status: number; code: string; message: string }> {
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  return { status: response.status, code: error.code, message: error.message };
}

test("more headers than go on to an endpoint are 431 with the bound's name, now and as a job", async () => {
  const body = JSON.stringify({ model: "big", messages: [user("x")] });
  const many = Object.fromEntries(Array.from({ length: REQUEST_HEADERS_MAX + 1 }, (_, at) => [`x-own-${at}`, "v"]));
  for (const more of [{}, { prefer: "respond-async" }]) {
    const said = await refusal(await post(body, { ...many, ...more }));
    expect([said.status, said.code]).toEqual([431, "headers_too_large"]);
    expect(said.message).toContain("REQUEST_HEADERS_MAX (100)");
  }
});

describe("by default are served", () => {
  test.each([
    [500, 1_000],
    [1_000, 1_000],
    [2_048, 150],
  ])("embeddings of %i texts of %i characters", async (count, length) => {
    const input = Array.from({ length: count }, () => words(length / 5));
    const answer = await openaiOf(fleet).embeddings.create({ model: "big", input, encoding_format: "float" });
    expect(answer.data.length).toBe(count);
  });

  test.each([110_000, 200_000])("a prompt of about %i tokens", async (tokens) => {
    expect((await chat("big", [user(words(tokens))])).status).toBe(200);
  });

  test.each([1_001, 3_000])("%i messages", async (count) => {
    const messages = Array.from({ length: count }, (_, at) => ({ role: at % 2 ? "assistant" : "user", content: "hi" }));
    expect((await chat("big", messages)).status).toBe(200);
  });

  const photo = Buffer.alloc(5 * MIB, "a photo, more or less").toString("base64");

  test("two photos in a message", async () => {
    const image = { type: "image_url", image_url: { url: `data:image/jpeg;base64,${photo}` } };
    expect((await chat("big", [user([{ type: "text", text: "Which is sharper?" }, image, image])])).status).toBe(200);
    expect(seen?.bytes).toBeGreaterThan(13 * MIB);
  });

  test("and two on a path whose shape the router does not know", async () => {
    const body = JSON.stringify({ left: photo, right: `data:image/jpeg;base64,${photo}` });
    const response = await fleet.call("/p/big/compare", { method: "POST", body, headers: json });
    expect(response.status).toBe(200);
    expect(seen?.body.equals(Buffer.from(body))).toBe(true);
  });
});

describe("a limit says its name, its option and its value", () => {
  test.each([
    ["characters", "small", [user("x".repeat(1_001))], /1000 characters of text.*charsMax.*"size".*"small"/],
    ["messages", "small", [1, 2, 3, 4].map(() => user("x")), /3 messages.*messagesMax.*"size".*"small"/],
    ["tokens", "few", [user(words(1_000))], /400 tokens.*tokensMax.*"tokens".*"few"/],
    ["texts", "big", [user(Array.from({ length: 16_385 }, () => ({ type: "text", text: "x" })))], /16384 texts/],
  ])("%s", async (_, model, messages, says) => {
    const told = await refusal(await chat(model, messages));
    expect(told).toMatchObject({ status: 413, code: "body_too_large", message: expect.stringMatching(says) });
  });

  test("bytes", async () => {
    const told = await refusal(await post(JSON.stringify({ model: "big", pad: "x".repeat(16 * MIB) })));
    expect(told).toMatchObject({ status: 413, message: expect.stringMatching(/16777216 bytes.*limits\.bodyBytesMax/) });
  });
});

describe("a compressed body", () => {
  const body = JSON.stringify({ model: "big", messages: [user("hello, unpacked")] });

  test.each([
    ["gzip", gzipSync(body)],
    ["deflate", deflateSync(body)],
  ])("by %s is read, and sent on as it was before", async (coding, packed) => {
    expect((await post(packed, { "content-encoding": coding })).status).toBe(200);
    expect([seen?.body.toString(), seen?.encoding]).toEqual([body, undefined]);
  });

  test("is read by the rails", async () => {
    const long = JSON.stringify({ model: "small", messages: [user("x".repeat(1_001))] });
    expect((await refusal(await post(gzipSync(long), { "content-encoding": "gzip" }))).status).toBe(413);
  });

  test.each(["br", "zstd", "gzip, gzip", "compress"])("by %s is 415, which says what would be read", async (coding) => {
    const response = await post(gzipSync(body), { "content-encoding": coding });
    expect(response.headers.get("accept-encoding")).toBe("gzip, deflate");
    expect(await refusal(response)).toMatchObject({
      status: 415,
      message: expect.stringMatching(/gzip or by deflate/),
    });
  });

  test("that is none is 400", async () => {
    const told = await refusal(await post(body, { "content-encoding": "gzip" }));
    expect(told).toMatchObject({ status: 400, message: expect.stringMatching(/not what its Content-Encoding says/) });
  });

  test("that would fill the isolate is 413 before it does", async () => {
    const bomb = gzipSync(Buffer.alloc(512 * MIB));
    expect((await refusal(await post(bomb, { "content-encoding": "gzip" }))).status).toBe(413);
    expect(await post(bomb, { "content-encoding": "gzip" })).toMatchObject({ status: 413 });
    expectModestPeak();
  });
});

/** Of the router's memory, where the platform tells it: Linux alone says the most that a process ever had. */
function expectModestPeak(): void {
  if (process.platform !== "linux") return;
  const status = readFileSync(`/proc/${fleet.router.pid}/status`, "utf8");
  expect(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1_024).toBeLessThan(400);
}

describe("a compressed answer that would fill the isolate", () => {
  test("is read no farther than it must be, where the protocol is known", async () => {
    const response = await chat("big", [user("a bomb, please")]);
    await response.body?.getReader().read();
    await response.body?.cancel().catch(() => {});
    expectModestPeak();
  });

  test("passes as it comes, where it is not", async () => {
    const leaving = new AbortController();
    const response = await fleet.call("/p/big/bomb", { method: "POST", body: "{}", signal: leaving.signal });
    const reader = response.body?.getReader();
    for (let bytes = 0; bytes < MIB;) bytes += (await reader?.read())?.value?.byteLength ?? Infinity;
    leaving.abort();
    expect(response.status).toBe(200);
    expectModestPeak();
  });
});

describe("a client that is refused early reads why", () => {
  const upload = Buffer.alloc(14 * MIB, 46);
  const send = (path: string, headers: Record<string, string>, method = "POST") =>
    rawCall(fleet.router.url + path, { method, body: upload, headers }).answer;
  const good = () => ({ authorization: `Bearer ${fleet.key}` });

  test.each([
    ["401", () => send("/v1/chat/completions", { authorization: "Bearer no" })],
    ["404", () => send("/nowhere", good())],
    ["405", () => send("/v1/models", good())],
    ["413", () => send("/admin/explain", good())],
    ["415", () => send("/v1/chat/completions", { ...good(), "content-encoding": "br" })],
    ["508", () => send("/v1/chat/completions", { ...good(), "x-warmpath-hop": "1" })],
  ])("%s", async (status, call) => {
    for (let time = 0; time < 3; time++) {
      const { status: told, whole: isWhole, body } = await call();
      expect([String(told), isWhole]).toEqual([status, true]);
      expect(JSON.parse(body.toString())).toHaveProperty("error.code");
    }
  });
});

test("a body that does not come is 408, and says what to do", async () => {
  const { request, answer } = rawCall(`${fleet.router.url}/v1/chat/completions`, {
    method: "POST",
    headers: { ...json, authorization: `Bearer ${fleet.key}`, "content-length": "100" },
  });
  request.write("{");
  const { status, body } = await answer;
  expect(status).toBe(408);
  expect(JSON.parse(body.toString())).toMatchObject({
    error: { code: "body_timeout", message: expect.stringMatching(/1500 ms.*limits\.bodyTimeoutMs.*Send it faster/) },
  });
});

test.each([
  ["a chunk size that is none", "0x5\r\nhello\r\n0\r\n\r\n"],
  ["a chunk that is not as long as it says", "5\r\nhello0\r\n\r\n"],
])("a body that breaks off is 400, and no fault of the router's: %s", async (_, chunks) => {
  const text = await new Promise<string>((resolve) => {
    let received = "";
    const socket = connect(fleet.router.port, "127.0.0.1");
    socket.on("data", (piece) => {
      received += piece.toString();
      if (received.includes("}}")) socket.destroy();
    });
    socket.on("close", () => resolve(received));
    socket.on("error", () => {});
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${fleet.key}\r\n`;
    socket.write(`${head}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunks}`);
  });
  expect(text).toMatch(/^HTTP\/1\.1 400 /);
  expect(text).toMatch(/broke off before its end/);
});
