/**
 * How clients and operators write URLs, model names and keys: each is served, or is told what to do. The endpoint knows
 * its model, as vLLM does, only by the name that it was started with.
 */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ENGINE_LOADS } from "../../src/config/config-bounds.ts";
import { openaiOf } from "../support/openai.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

const REAL = "org/real-7b";
const ANSWER = { choices: [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }] };

const RESPONSE = {
  object: "response",
  status: "completed",
  output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "hello", annotations: [] }] }],
};

type Seen = { readonly method: string; readonly url: string; readonly body: string };

type Vllm = { readonly url: string; readonly server: Server; readonly seen: Seen[]; models: readonly object[] };

async function startVllm(): Promise<Vllm> {
  const vllm: { seen: Seen[]; models: readonly object[] } = {
    seen: [],
    models: [{ id: REAL, root: REAL, parent: null }],
  };
  const paths = [
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/completions",
    "/v1/rerank",
    "/v1/responses",
    "/tokenize",
  ];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const answer = (status: number, value: unknown): void => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
      };
      const { method = "", url = "" } = request;
      if (url === "/health") return answer(200, {});
      // What a shard asks of an engine beside its health checks; this one tells nothing.
      if (ENGINE_LOADS.some((path) => path === url)) return answer(404, {});
      const body = Buffer.concat(chunks).toString();
      vllm.seen.push({ method, url, body });
      const [path = ""] = url.split("?");
      if (path === "/v1/models") return answer(200, { object: "list", data: vllm.models });
      if (!paths.includes(path)) return answer(404, { detail: `Not Found: ${path}` });
      const { model } = JSON.parse(body) as { model: string };
      if (model === REAL) return answer(200, path === "/v1/responses" ? RESPONSE : ANSWER);
      const message = `The model \`${model}\` does not exist.`;
      return answer(404, { object: "error", message, type: "NotFoundError", code: 404 });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(vllm, { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** How an operator may write the base URL of one server. */
const SPELLINGS = ["", "/", "/v1", "/v1/", "//v1//", "/v1/v1", "/v1//v1/"];

let vllm: Vllm;
let fleet: Fleet;
beforeAll(async () => {
  vllm = await startVllm();
  const endpoint = (id: string, more: object = {}) => ({
    id,
    region: "us-east",
    backend: "openai",
    url: vllm.url,
    concurrencyPerWorker: 64,
    ...more,
  });
  const spelt = SPELLINGS.map((spelling, index) => [
    `url-${index}`,
    { models: [`url-${index}`], endpoints: [endpoint(`spelt-${index}`, { url: vllm.url + spelling, model: REAL })] },
  ]);
  fleet = await startFleet({
    endpoints: [],
    pool: { models: ["chat", "gpt-4o", REAL, `${REAL}:free`], endpoints: [endpoint("plain")] },
    morePools: {
      renamed: { models: ["renamed", "also"], endpoints: [endpoint("told", { model: REAL })] },
      several: { models: ["several"], endpoints: [endpoint("of-several")] },
      ...Object.fromEntries(spelt),
    },
    config: { routes: [{ path: "/v1/responses", pool: "main" }] },
  });
});
afterAll(async () => {
  vllm.server.closeAllConnections();
  vllm.server.close();
  await fleet.close();
});
beforeEach(() => {
  vllm.seen.length = 0;
  vllm.models = [{ id: REAL, root: REAL, parent: null }];
});

const chatBody = (model: string) => JSON.stringify({ model, messages: [{ role: "user", content: "x" }] });

/** Status, and what is said: the answer, or the message of the refusal. */
async function said(path: string, init: RequestInit = {}): Promise<string> {
  const response = await fleet.call(path, init);
  const text = await response.text();
  if (!text.startsWith("{")) return `${response.status} ${text.trim()}`;
  const body = JSON.parse(text) as {
    choices?: unknown;
    output?: unknown;
    object?: string;
    error?: { message: string };
    message?: string;
  };
  const shown =
    (body.choices ?? body.output) === undefined
      ? (body.error?.message ?? body.message ?? body.object ?? text)
      : "answer";
  return `${response.status} ${shown}`;
}

const post = (path: string, model = REAL): Promise<string> =>
  said(path, { method: "POST", headers: { "content-type": "application/json" }, body: chatBody(model) });

describe("a path", () => {
  test.each([
    "/v1/chat/completions",
    "//v1/chat/completions",
    "/v1//chat/completions",
    "/v1/chat/completions/",
    "/v1/chat/completions?api-version=2024-10-21",
    "/v1/responses",
    "/v1/responses/",
    "/chat/completions",
    "//chat/completions/",
    "/completions",
    "/responses",
    "/v1/v1/chat/completions",
    "/v1//v1/v1/chat/completions/",
    "/v1/v1/responses",
    "/p/main/v1/v1/chat/completions",
    "/v2/main/openai/chat/completions",
    "/v2/main/openai/v1/v1/chat/completions",
    "/p/main/v1/rerank",
    "/p/main/tokenize",
  ])("%s is served", async (path) => {
    expect(await post(path)).toBe("200 answer");
  });

  test.each([
    ["/v1/v1/chat/completion", /Did you mean \/v1\/chat\/completions\?/],
    ["/v1/chat/completions/chat/completions", /Did you mean \/v1\/chat\/completions\?/],
    ["/openai/v1/chat/completions", /Did you mean \/v1\/chat\/completions\?/],
    ["/openai/deployments/chat/chat/completions", /Did you mean \/v1\/chat\/completions\?/],
    ["/api/v1/chat/completions", /Did you mean \/v1\/chat\/completions\?/],
    ["/V1/chat/completions", /Did you mean \/v1\/chat\/completions\?/],
    ["/v1/chat/completion", /Did you mean \/v1\/chat\/completions\?/],
    ["/v1/classify", /reached as \/p\/\{pool\}\/v1\/classify/],
    ["/pooling", /reached as \/p\/\{pool\}\/pooling/],
    ["/v1/audio/voices", /reached as \/p\/\{pool\}\/v1\/audio\/voices/],
    ["/v1/job/job_1", /Did you mean \/v1\/jobs\/job_1\?/],
    ["/v1/usages", /Did you mean \/v1\/usage\?/],
    ["/openapi.yaml", /Did you mean \/openapi\.json\?/],
    ["/admin/endpoint/us-a/drain", /Did you mean \/admin\/endpoints\/us-a\/drain\?/],
    ["/dashbord", /Did you mean \/dashboard\?/],
    ["/metric", /Did you mean \/metrics\?/],
    ["/nothing", /; \/openapi\.json has all of them\.$/],
    ["/nothing", /Nothing is served at \/nothing\. Served are \/v1\/chat\/completions, /],
  ])("%s is answered with what there is", async (path, says) => {
    expect(await post(path)).toMatch(says);
    expect(await post(path)).toMatch(/^404 /);
  });

  test.each([
    ["GET", "/v1/models", "200 list"],
    ["GET", "/v1/models/", "200 list"],
    ["GET", "/models", "200 list"],
    ["GET", "/models/org%2Freal-7b", "200 model"],
    ["GET", "/v1/v1/models", "200 list"],
    ["HEAD", "/models", "200 "],
    ["OPTIONS", "/v1/chat/completions", "204 "],
    ["OPTIONS", "/v1/v1/models", "204 "],
    ["HEAD", "/v1/models", "200 "],
    ["GET", "/v1/models/org/real-7b", "200 model"],
    ["GET", "/v1/models/org%2Freal-7b", "200 model"],
    ["GET", "/v1/models/org/real-7b:free", "200 model"],
    ["GET", "/health", "200 ok"],
    ["HEAD", "/health", "200 "],
    ["GET", "/healthz", "200 ok"],
    ["GET", "/ping/", "200 ok"],
    ["GET", "/readyz", "200 ok"],
    ["GET", "/livez", "200 ok"],
  ])("%s %s is %s", async (method, path, answer) => {
    expect(await said(path, { method })).toBe(answer);
  });

  test.each(["/v1/messages", "/messages", "/v1/v1/messages", "/v1/messages/"])(
    "%s is served in Anthropic's form",
    async (path) => {
      expect(await post(path)).toMatch(/^200 \{"id":"msg_.*"type":"message"/);
    },
  );

  test.each([
    ["/v1/chat/completions", "POST, OPTIONS"],
    ["/models", "GET, HEAD, OPTIONS"],
  ])("%s tells its methods to who asks by OPTIONS", async (path, allow) => {
    const response = await fleet.call(path, { method: "OPTIONS" });
    expect([response.status, response.headers.get("allow")]).toEqual([204, allow]);
  });

  test.each(["/v1/v1/chat/completions", "/p/main/v1/v1/chat/completions"])(
    "%s reaches the endpoint at its own path",
    async (path) => {
      expect(await post(path)).toBe("200 answer");
      expect(vllm.seen.map(({ url }) => url)).toEqual(["/v1/chat/completions"]);
    },
  );

  test.each([
    ["no /v1", ""],
    ["a slash alone", "/"],
    ["/v1 and a slash", "/v1/"],
    ["/v1 twice", "/v1/v1"],
    ["a slash too many", "//v1"],
    ["Runpod's path without /v1", "/v2/main/openai"],
    ["a pool's path with /v1 twice", "/p/main/v1/v1"],
  ])("the openai package works with a base URL that has %s", async (_, base) => {
    const client = openaiOf(fleet, { baseURL: fleet.router.url + base });
    const messages = [{ role: "user" as const, content: "x" }];
    const answer = await client.chat.completions.create({ model: REAL, messages });
    expect(answer.choices[0]?.message.content).toBe("hello");
  });

  test("a limit that is written as a text goes on as it is", async () => {
    const body = JSON.stringify({ ...(JSON.parse(chatBody(REAL)) as object), max_tokens: "64" });
    expect(await said("/v1/chat/completions", { method: "POST", body })).toBe("200 answer");
    expect(vllm.seen.map((seen) => seen.body)).toEqual([body]);
  });

  test("/metrics is the fleet as Prometheus reads it, for operators", async () => {
    expect((await fetch(`${fleet.router.url}/metrics`)).status).toBe(401);
    await post("/v1/chat/completions");
    const response = await fleet.call("/metrics");
    expect([response.status, response.headers.get("content-type")]).toEqual([
      200,
      expect.stringMatching(/^text\/plain; version=0\.0\.4/),
    ]);
    const text = await response.text();
    expect(text).toContain('warmpath_shard_reachable{pool="main",region="us-east"} 1\n');
    expect(text).toContain('warmpath_endpoint_capacity{pool="main",region="us-east",endpoint="plain"} 64\n');
    const sample = /^(?:# (?:HELP|TYPE) \w+ .+|\w+(?:\{(?:\w+="[^"\n]*",?)+\})? [\d.e+-]+)$/;
    expect(
      text
        .trimEnd()
        .split("\n")
        .filter((line) => !sample.test(line)),
    ).toEqual([]);
  });

  test("who shows no key learns no name of a pool or a model", async () => {
    const response = await fetch(`${fleet.router.url}/v1/classify`, { method: "POST", body: chatBody("chat") });
    const text = await response.text();
    expect([response.status, text]).toEqual([404, expect.stringContaining("/p/{pool}/v1/classify")]);
    expect(text).not.toMatch(/main|gpt-4o|real-7b/);
  });
});

describe("a model's name", () => {
  const modelsSeen = () =>
    vllm.seen
      .filter(({ method }) => method === "POST")
      .map(({ body }) => (JSON.parse(body) as { model: string }).model);

  test("that the endpoint knows goes out in the same bytes, and nobody asks", async () => {
    expect(await post("/v1/chat/completions")).toBe("200 answer");
    expect(vllm.seen.map(({ body }) => body)).toEqual([chatBody(REAL)]);
  });

  test("of the pool becomes the one that the config says", async () => {
    for (const model of ["renamed", "also"]) expect(await post("/v1/chat/completions", model)).toBe("200 answer");
    expect(await post("/p/renamed/v1/chat/completions", "renamed")).toBe("200 answer");
    expect(modelsSeen()).toEqual([REAL, REAL, REAL]);
  });

  test("that is none of the pool's stays the client's, under /p", async () => {
    expect(await post("/p/renamed/v1/chat/completions", "adapter")).toMatch(/^404 The model `adapter` does not exist/);
    expect(modelsSeen()).toEqual(["adapter"]);
  });

  test("in the path that an endpoint does not have is none that it does not know", async () => {
    expect(await post("/p/main/chat/completions", "chat")).toMatch(/^404 .*Not Found: /);
    expect(vllm.seen.map(({ method, url }) => `${method} ${url}`)).toEqual(["POST /chat/completions"]);
  });

  test("that the endpoint does not know is learned, where it has one model", async () => {
    expect(await post("/v1/chat/completions", "chat")).toBe("200 answer");
    expect(vllm.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "POST /v1/chat/completions",
      "GET /v1/models",
      "POST /v1/chat/completions",
    ]);
    vllm.seen.length = 0;
    for (const model of ["gpt-4o", `${REAL}:free`])
      expect(await post("/v1/chat/completions", model)).toBe("200 answer");
    expect(modelsSeen()).toEqual([REAL, REAL]);
  });

  test("is not learned where there are several models", async () => {
    vllm.models = [{ id: REAL }, { id: "org/other" }];
    expect(await post("/v1/chat/completions", "several")).toMatch(
      /^404 The pool's endpoint does not know the model "several"\. The operator writes .+ endpoints\[\]\.model\.$/,
    );
    expect(modelsSeen()).toEqual(["several"]);
  });

  test("is learned past adapters, and second names of the one model", async () => {
    vllm.models = [
      { id: REAL, root: REAL, parent: null },
      { id: "second", root: REAL, parent: null },
      { id: "adapter", root: "/adapters/a", parent: REAL },
    ];
    expect(await post("/v1/chat/completions", "several")).toBe("200 answer");
  });

  test("is learned for a job too", async () => {
    const response = await fleet.call("/v1/chat/completions", {
      method: "POST",
      headers: { prefer: "respond-async, wait=20" },
      body: chatBody("several"),
    });
    expect([response.status, await response.json()]).toEqual([200, ANSWER]);
  });

  test.each([
    ["ORG/Real-7B", 'Did you mean "org/real-7b"?'],
    ["openai/org/real-7b", 'Did you mean "org/real-7b"?'],
    [" org/real-7b", 'Did you mean "org/real-7b"?'],
    ["nothing-like-it", "Models: chat, gpt-4o, org/real-7b, org/real-7b:free, renamed"],
  ])("that no pool has is answered with what there is: %j", async (model, says) => {
    const answer = await post("/v1/chat/completions", model);
    expect([answer.slice(0, 4), answer]).toEqual(["404 ", expect.stringContaining(says)]);
  });
});

describe("a key", () => {
  const ask = async (headers: Record<string, string>): Promise<number> => {
    const init = { method: "POST", headers: { "content-type": "application/json", ...headers }, body: chatBody(REAL) };
    const response = await fetch(`${fleet.router.url}/v1/chat/completions`, init);
    await response.body?.cancel();
    return response.status;
  };

  test.each([
    ["in Authorization", (key: string) => ({ authorization: `Bearer ${key}` })],
    ["behind bearer in lower case", (key: string) => ({ authorization: `bearer ${key}` })],
    ["without a scheme", (key: string) => ({ authorization: key })],
    ["in x-api-key", (key: string) => ({ "x-api-key": key })],
    ["in api-key", (key: string) => ({ "api-key": key })],
    ["beside a placeholder bearer", (key: string) => ({ authorization: "Bearer sk-placeholder", "x-api-key": key })],
    ["beside an empty bearer", (key: string) => ({ authorization: "Bearer ", "x-api-key": key })],
    ["beside a placeholder x-api-key", (key: string) => ({ authorization: `Bearer ${key}`, "x-api-key": "sk-ant" })],
    ["beside two placeholders", (key: string) => ({ authorization: "Bearer x", "x-api-key": "y", "api-key": key })],
  ])("is taken %s", async (_, headers) => {
    expect(await ask(headers(fleet.key))).toBe(200);
  });

  test.each([
    ["is missing", {}],
    ["is a placeholder everywhere", { authorization: "Bearer x", "x-api-key": "y", "api-key": "z" }],
  ])("that %s is refused, with the places for one", async (_, headers) => {
    const response = await fetch(`${fleet.router.url}/v1/models`, { headers });
    expect([response.status, await response.text()]).toEqual([
      401,
      expect.stringContaining("or as x-api-key, or api-key"),
    ]);
  });
});

describe("an endpoint's URL", () => {
  test.each(SPELLINGS.map((spelling, index) => [`${spelling === "" ? "nothing" : spelling}`, index] as const))(
    "with %s behind the host is the same server",
    async (_, index) => {
      expect(await post("/v1/chat/completions", `url-${index}`)).toBe("200 answer");
      expect(vllm.seen.map(({ url }) => url)).toEqual(["/v1/chat/completions"]);
    },
  );
});
