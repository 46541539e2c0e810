/**
 * Requests that a model server reads and a rail does not: rails that fail closed refuse them, rails that fail open let
 * them through as they are, and no record says "allow" of what was not read.
 */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

/** Made up, and put together here so that no scanner takes this file for a leak. */
const SECRET = `AKIA${"Q4F5BNZSWAIK7GLP"}`;

let fleet: Fleet;
let server: Server;
/** Bodies that reached the endpoint. */
const seen: Buffer[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      // What a shard asks for itself, its health and its load, is a GET.
      if (request.method === "POST") seen.push(Buffer.concat(chunks));
      const choices = [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "ok" } }];
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ id: "c", object: "chat.completion", created: 1, model: "m", choices }));
    });
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pool = (id: string, input: unknown) => ({
    models: [id],
    paths: ["*"],
    endpoints: [{ id: `at-${id}`, region: "us-east", backend: "openai", url, concurrencyPerWorker: 16 }],
    rails: { input },
  });
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    morePools: {
      closed: pool("closed", [
        "size",
        { use: "secrets", action: "block", onError: "closed" },
        { use: "injection", onError: "closed" },
      ]),
      plain: pool("plain", [{ use: "secrets", action: "block", onError: "closed" }]),
      usual: pool("usual", ["size", { use: "secrets", action: "block" }, "pii", "injection"]),
      open: pool("open", ["size", "secrets"]),
      blind: pool("blind", ["secrets"]),
    },
    config: {
      routes: ["closed", "plain", "open"].map((id) => ({
        path: `/mine/${id}`,
        pool: id,
        upstreamPath: "/v1/chat/completions",
      })),
    },
  });
});
afterAll(async () => {
  await fleet.close();
  server.closeAllConnections();
  server.close();
});

type Sent = { readonly body: Buffer; readonly headers?: Readonly<Record<string, string>>; readonly unread: string };

const chat = (model: string, content: unknown, more: object = {}): string =>
  JSON.stringify({ model, messages: [{ role: "user", content }], ...more });

const dirty = (model: string): string => chat(model, `my key is ${SECRET} ok`);

/** By what they are: bodies in which a rail cannot read what is there. */
const forms: Readonly<Record<string, (model: string) => Sent>> = {
  "UTF-16": (model) => ({ body: Buffer.from(dirty(model), "utf16le"), unread: "not_json" }),
  "UTF-16 with a byte order mark": (model) => ({
    body: Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(dirty(model), "utf16le")]),
    unread: "not_json",
  }),
  "UTF-16, the high byte first": (model) => ({
    body: Buffer.from(dirty(model), "utf16le").swap16(),
    unread: "not_json",
  }),
  "UTF-32": (model) => ({
    body: Buffer.from(Array.from(dirty(model), (char) => [char.charCodeAt(0), 0, 0, 0]).flat()),
    unread: "not_json",
  }),
  "one byte that is no UTF-8": (model) => {
    const text = dirty(model);
    return {
      body: Buffer.concat([Buffer.from(text.slice(0, -5)), Buffer.of(0xff), Buffer.from(text.slice(-5))]),
      unread: "not_json",
    };
  },
  "NaN in the JSON": (model) => ({
    body: Buffer.from(dirty(model).replace("{", '{"temperature":NaN,')),
    unread: "not_json",
  }),
  "lines of JSON": (model) => ({ body: Buffer.from(`${dirty(model)}\n${dirty(model)}\n`), unread: "not_json" }),
  "a form": () => ({
    body: Buffer.from(`prompt=my+key+is+${SECRET}`),
    headers: { "content-type": "application/x-www-form-urlencoded" },
    unread: "not_json",
  }),
  "a multipart form": () => ({
    body: Buffer.from(`--B\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nmy key is ${SECRET}\r\n--B--\r\n`),
    headers: { "content-type": "multipart/form-data; boundary=B" },
    unread: "not_json",
  }),
  "JSON that hides a text in another charset": (model) => ({
    // "hi", which no rail would look for.
    body: Buffer.from(chat(model, "+AGgAaQ-")),
    headers: { "content-type": "application/json; charset=utf-7" },
    unread: "not_json",
  }),
};

/** The same on every path, `/v1` included: what is JSON, and is not all read. */
const values: Readonly<Record<string, (model: string) => Sent>> = {
  "two members of one name, the clean one last": (model) => ({
    body: Buffer.from(
      chat(model, "clean").replace('"messages"', `"messages":[{"role":"user","content":"${SECRET}"}],"messages"`),
    ),
    unread: "repeated_members",
  }),
  "token ids": (model) => ({ body: Buffer.from(chat(model, "a", { prompt: [1, 2, 3] })), unread: "token_ids" }),
  "an image": (model) => ({
    body: Buffer.from(chat(model, [{ type: "image_url", image_url: { url: "https://a.dev/b.png" } }])),
    unread: "media",
  }),
};

async function post(path: string, { body, headers = {} }: Sent) {
  seen.length = 0;
  const request = { method: "POST", headers: { "content-type": "application/json", ...headers }, body };
  const answer = await fleet.call(path, request);
  const { error } = (await answer.json()) as { error?: { code: string; message: string } };
  if (answer.status >= 400) expect(answer.headers.get("x-should-retry")).toBe("false");
  return { status: answer.status, error, rails: answer.headers.get("x-warmpath-rails") ?? "" };
}

/** By the name of what could not be read; SDKs repeat every 5xx. */
const refusalOf = ({ unread }: Sent): readonly [number, string] =>
  unread === "not_json" || unread === "media" ? [415, "unread_type_by_guardrail"] : [400, "unread_by_guardrail"];

const paths = (model: string): readonly string[] => [`/p/${model}/v1/chat/completions`, `/mine/${model}`];
const cases = [
  ...Object.entries(forms).map(([name, form]) => [name, form, paths] as const),
  ...Object.entries(values).map(
    ([name, form]) => [name, form, (model: string) => [...paths(model), "/v1/chat/completions"]] as const,
  ),
];

describe.each(cases)("%s", (_, form, pathsOf) => {
  test.each(["closed", "plain"])(
    "reaches no endpoint where a rail fails closed (%s), and the answer says why",
    async (pool) => {
      const sent = form(pool);
      for (const path of pathsOf(pool)) {
        const { status, error, rails } = await post(path, sent);
        expect([path, status, error?.code]).toEqual([path, ...refusalOf(sent)]);
        expect(error?.message).toContain(`must read the whole request and cannot (${sent.unread})`);
        expect(rails).toMatch(/\bsecrets=rail_error;\d+;not_read\b/);
        expect(rails).not.toMatch(/(?:secrets|injection)=allow/);
      }
      expect(seen).toEqual([]);
    },
  );

  test("goes on as it is where rails fail open, and is recorded as not read", async () => {
    const sent = form("open");
    for (const path of pathsOf("open")) {
      const { status, rails } = await post(path, sent);
      expect([path, status]).toEqual([path, 200]);
      expect(rails).toMatch(/\bsecrets=rail_error;\d+;not_read\b/);
      expect(seen[0]?.equals(sent.body)).toBe(true);
    }
  });
});

test("nesting beyond what is read is for size to refuse, and without it for every rail that fails closed", async () => {
  const content: unknown = JSON.parse(`${"[".repeat(80)}"${SECRET}"${"]".repeat(80)}`);
  const sent = (pool: string) => ({ body: Buffer.from(chat(pool, content)), unread: "too_deep" });
  expect(await post("/v1/chat/completions", sent("open"))).toMatchObject({ status: 413 });
  expect(await post("/v1/chat/completions", sent("plain"))).toMatchObject({ status: 400 });
  expect(seen).toEqual([]);
  const open = await post("/v1/chat/completions", sent("blind"));
  expect(open).toMatchObject({ status: 200, rails: expect.stringMatching(/^secrets=rail_error;\d+;not_read$/) });
});

test("what a rail finds in the part that it can read is redacted, and recorded beside what it could not read", async () => {
  const content = [
    { type: "text", text: `key ${SECRET}` },
    { type: "image_url", image_url: { url: "https://a.dev/b.png" } },
  ];
  const sent = { body: Buffer.from(chat("open", content)), unread: "media" };
  const { status, rails } = await post("/v1/chat/completions", sent);
  expect([status, rails]).toEqual([200, expect.stringMatching(/secrets=redact;\d+;not_read/)]);
  expect(seen[0]?.toString()).toContain("[REDACTED:aws_access_key_id]");
});

test("an image goes on where nobody has said how rails fail, also past one that blocks, and is recorded as not read", async () => {
  const content = [
    { type: "text", text: "what is this?" },
    { type: "image_url", image_url: { url: "https://a.dev/b.png" } },
  ];
  for (const path of ["/v1/chat/completions", "/p/usual/v1/chat/completions"]) {
    const { status, rails } = await post(path, { body: Buffer.from(chat("usual", content)), unread: "media" });
    expect([path, status]).toEqual([path, 200]);
    for (const rail of ["secrets", "pii", "injection"])
      expect(rails).toMatch(new RegExp(`\\b${rail}=rail_error;\\d+;not_read\\b`));
  }
});

test("a refusal of what was not read has the form of its protocol", async () => {
  const body = JSON.stringify({ model: "plain", max_tokens: 1, messages: [], system: [1, 2], input_ids: [1, 2] });
  const answer = await fleet.call("/p/plain/v1/messages", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  expect([answer.status, await answer.json()]).toEqual([
    400,
    expect.objectContaining({ type: "error", error: expect.objectContaining({ type: "invalid_request_error" }) }),
  ]);
});

test("a job that no rail can read is refused as the request itself is", async () => {
  for (const [, form] of [...Object.entries(values), ["", forms["NaN in the JSON"]] as const]) {
    const sent = form?.("closed");
    if (sent === undefined) continue;
    const answer = await post("/p/closed/v1/chat/completions", { ...sent, headers: { prefer: "respond-async" } });
    expect([answer.status, answer.error?.code]).toEqual(refusalOf(sent));
  }
  expect(seen).toEqual([]);
});

test("what is read in full is allowed as before", async () => {
  const { status, rails } = await post("/p/closed/v1/chat/completions", {
    body: Buffer.from(chat("closed", "hello")),
    unread: "",
  });
  expect([status, rails]).toEqual([
    200,
    expect.stringMatching(/^size=allow;\d+, secrets=allow;\d+, injection=allow;\d+$/),
  ]);
});
