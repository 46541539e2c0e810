/**
 * Endpoints that answer 200 and give no answer, nearest to the client, with a good one farther: every client is served,
 * and the broken one is blamed and left.
 */
import { APIError } from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FAILURES_MAX } from "../../src/routing/core/endpoint/breaker.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { freshPlace, openaiOf } from "../support/openai.ts";
import { chatStream, chatText, chunk, DONE } from "../support/output-stage.ts";
import { eventData, rawCall } from "../support/raw-client.ts";
import { startSpeaker } from "../support/speaker.ts";
import type { Speaker, Speech } from "../support/speaker.ts";

const ROLE = chunk({ role: "assistant", content: "" });
const error = (more: object) => `data: ${JSON.stringify({ error: { message: "CUDA error", ...more } })}\n\n`;
const json = (value: unknown): Speech => ({ contentType: "application/json", pieces: [JSON.stringify(value)] });
const page = (status: number): Speech => ({ status, contentType: "text/html", pieces: ["<h1>Sign in</h1>"] });
const WHOLE = { id: "c", object: "chat.completion", choices: [{ index: 0, message: { content: "good" } }] };

const streams: readonly (readonly [name: string, speech: Speech])[] = [
  ["an error as its first event", { pieces: [error({ code: 500 }), DONE] }],
  ["an event of the name error", { pieces: ['event: error\ndata: {"message":"overloaded"}\n\n'] }],
  ["an error after its role chunk", { pieces: [ROLE, error({}), DONE] }],
  ["a comment, and then it dies", { pieces: [": keep-alive\n\n"], ending: "reset" }],
  ["a role chunk, and then it dies", { pieces: [ROLE], ending: "reset" }],
  ["no event at all", { pieces: [] }],
  ["only the marker", { pieces: [DONE] }],
  ["a role chunk and the marker", { pieces: [ROLE, DONE] }],
  ["a page", page(200)],
  ["a redirect", { status: 302, headers: { location: "/login" }, pieces: [] }],
  ["no content", { status: 204, pieces: [] }],
];
const wholes: readonly (readonly [name: string, speech: Speech])[] = [
  ["an error of the older form", json({ object: "error", message: "CUDA out of memory", code: 500 })],
  ["an error", json({ error: { message: "engine is dead" } })],
  ["no body", { contentType: "application/json", headers: { "content-length": "0" }, pieces: [] }],
  ["no choices", json({ choices: [] })],
  ["half of an answer", { contentType: "application/json", pieces: [JSON.stringify(WHOLE).slice(0, -9)] }],
  ["a page", page(200)],
  ["a page that says that it is gone", page(404)],
  [
    "a page that says what is gone",
    { ...page(404), pieces: [Array.from({ length: 99 }, (_, at) => `case-${at}`).join()] },
  ],
  ["a long text", { contentType: "application/json", pieces: Array.from({ length: 90 }, () => "x".repeat(1_000)) }],
];

const ENDPOINT_KEY = "the-endpoint's-own-credential";

let fleet: Fleet;
let bad: Speaker;
let good: Speaker;
const CASES = [
  ...streams.map(([, speech]) => ({ speech, stream: true })),
  ...wholes.map(([, speech]) => ({ speech, stream: false })),
];
beforeAll(async () => {
  [bad, good] = [await startSpeaker(), await startSpeaker()];
  const endpoint = (id: string, region: string, { url }: Speaker) => ({ id, region, backend: "openai", url });
  // A pool for each case: what it teaches about the broken endpoint is its own.
  const pools = CASES.map((_, index) => [
    `case-${index}`,
    {
      models: [`case-${index}`],
      patienceMs: 5_000,
      endpoints: [endpoint(`bad-${index}`, "us-east", bad), endpoint(`good-${index}`, "eu-west", good)],
    },
  ]);
  const auth = { secret: "ENDPOINT_KEY" };
  const only = { patienceMs: 5_000, endpoints: [{ ...endpoint("only", "us-east", good), auth }] };
  fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    bindings: { ENDPOINT_KEY },
    morePools: { ...(Object.fromEntries(pools) as object), only: { ...only, models: ["only"] } },
  });
});
afterAll(async () => {
  await fleet.close();
  await Promise.all([bad.close(), good.close()]);
});

const standings = async () =>
  (await fleet.shards())
    .flatMap(({ status }) => status?.endpoints ?? [])
    .map(({ id, standing }) => [id, standing] as const);

const ask = (model: string, speech: string, stream: boolean, path = "/v1/chat/completions") =>
  rawCall(fleet.router.url + path, {
    method: "POST",
    headers: {
      authorization: `Bearer ${fleet.key}`,
      "content-type": "application/json",
      "x-warmpath-place": freshPlace("us-east"),
      "x-speech": speech,
    },
    body: JSON.stringify({ model, stream, messages: [{ role: "user", content: "x" }] }),
  }).answer;

describe("an endpoint that gives no answer is left for one that does", () => {
  test.each(
    [...streams, ...wholes].map(([name], index) => [index < streams.length ? "stream" : "whole", name, index] as const),
  )("%s: %s", async (_, _name, index) => {
    const { speech, stream } = CASES[index] ?? { speech: json({}), stream: false };
    bad.say(`case-${index}`, speech);
    good.say(`case-${index}`, stream ? { pieces: [chatStream(["good"])] } : json(WHOLE));
    for (let request = 0; request < 2 * FAILURES_MAX; request++) {
      const { status, body, headers } = await ask(`case-${index}`, `case-${index}`, stream);
      expect([status, headers["x-warmpath-endpoint"]]).toEqual([200, `good-${index}`]);
      const text = stream
        ? chatText(body).text
        : (JSON.parse(body.toString()) as typeof WHOLE).choices[0]?.message.content;
      expect(text).toBe("good");
    }
    expect(await standings()).toContainEqual([`good-${index}`, "admitting"]);
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  });
});

describe("what an answer says", () => {
  test("in an error is the client's, but for the credential that the endpoint quotes", async () => {
    const quoted = {
      authorization: `Bearer ${ENDPOINT_KEY}`,
      "x-echo-auth": `it was Bearer ${ENDPOINT_KEY}, they say`,
      "x-basic": btoa(`user:${ENDPOINT_KEY}`),
    };
    const speech = { headers: { ...quoted, "x-own": "kept" }, contentType: "application/json" };
    const text = JSON.stringify({
      error: { code: 400, message: `wrong: Bearer ${ENDPOINT_KEY} ☃`, type: "invalid_request_error" },
    });
    good.say("quoting", { ...speech, status: 400, pieces: [text] });
    good.say("quoting-late", { ...speech, pieces: [text] });
    for (const [name, path] of [
      ["quoting", "/v1/chat/completions"],
      ["quoting-late", "/v1/chat/completions"],
      ["quoting", "/p/only/tokenize"],
    ] as const) {
      const { status, headers, body } = await ask("only", name, false, path);
      expect([status, body.toString()]).toEqual([400, text.replace(ENDPOINT_KEY, "[REDACTED:credential]")]);
      expect(Object.keys(quoted).map((header) => headers[header])).toEqual([undefined, undefined, undefined]);
      expect(headers["x-own"]).toBe("kept");
    }
  });

  test("in a last event that is longer than what is kept, without an end, is told as broken off", async () => {
    good.say("endless", { pieces: [chunk({ content: "hello" }), chunk({ content: "x".repeat(200_000) })] });
    const { status, body } = await ask("only", "endless", true);
    expect(status).toBe(200);
    expect(eventData(body.toString()).slice(-2)).toEqual([expect.stringContaining("upstream_cut"), "[DONE]"]);
  });

  test("with a status that HTTP does not have is the endpoint's failure, on any path", async () => {
    good.say("odd", { status: 999, contentType: "application/json", pieces: ["{}"] });
    for (const path of ["/v1/chat/completions", "/p/only/tokenize"]) {
      const { status, body } = await ask("only", "odd", false, path);
      expect([status, body.toString()]).toEqual([502, expect.stringContaining("upstream_failed")]);
    }
  });

  test("before its first token is forwarded byte for byte", async () => {
    const pieces = [": hello\n\n", ROLE, "data: {malformed\n\n", ...["go", "od"].map((content) => chunk({ content }))];
    good.say("bytes", { pieces: [...pieces, chunk({}, "stop"), DONE] });
    const { body } = await ask("only", "bytes", true);
    expect(body.toString()).toBe([...pieces, chunk({}, "stop"), DONE].join(""));
  });

  test("may be nothing: a finish without a token is an answer", async () => {
    good.say("empty", { pieces: [ROLE, chunk({}, "stop"), DONE] });
    const { status, body } = await ask("only", "empty", true);
    expect([status, chatText(body)]).toMatchObject([200, { text: "", finish: ["stop"], isDone: true }]);
  });

  test("is the client's where it is an error that names the client's fault", async () => {
    good.say("fault", { pieces: [error({ code: 400, type: "invalid_request_error" })] });
    const { status, headers, body } = await ask("only", "fault", true);
    expect([status, headers["content-type"]]).toEqual([400, "application/json"]);
    expect(JSON.parse(body.toString())).toMatchObject({ error: { message: "CUDA error" } });
  });

  test("is asked for elsewhere under a path of the client's as well", async () => {
    bad.say("p-none", { pieces: [ROLE, DONE] });
    good.say("p-none", { pieces: [chatStream(["good"])] });
    const { status, body } = await ask("case-5", "p-none", true, "/p/case-5/v1/chat/completions");
    expect([status, chatText(body).text]).toEqual([200, "good"]);
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  });

  test("is judged under a path of the client's as well", async () => {
    good.say("mine", { pieces: [] });
    expect((await ask("only", "mine", true, "/p/only/v1/chat/completions")).status).toBe(502);
  });
});

describe("a stream that is closed in good order", () => {
  test("after its finish is complete without a marker, and at once", async () => {
    const text = ROLE + chunk({ content: "good" }) + chunk({}, "stop");
    good.say("no-done", { pieces: [text] });
    expect((await ask("only", "no-done", true)).body.toString()).toBe(text);
  });

  test.each(["no finish", "a piece of an event"])(
    "but with %s gets an error, which the openai package raises",
    async (how) => {
      const text =
        ROLE + chunk({ content: "half" }) + (how === "no finish" ? "" : chunk({ content: "of it" }).slice(0, 90));
      good.say("half", { pieces: [text] });
      const data = eventData((await ask("only", "half", true)).body);
      expect(data.at(-1)).toBe("[DONE]");
      expect(JSON.parse(data.at(-2) ?? "")).toMatchObject({ error: { code: "upstream_cut" } });
      const client = openaiOf(fleet, { defaultHeaders: { "x-speech": "half" } });
      const read = async () => {
        const messages = [{ role: "user" as const, content: "x" }];
        for await (const piece of await client.chat.completions.create({ model: "only", stream: true, messages }))
          void piece;
      };
      await expect(read()).rejects.toThrow(APIError);
    },
  );

  test("and held open after its last word is ended for the client", async () => {
    const text = chatStream(["good"]);
    good.say("held", { pieces: [text], ending: "hold" });
    expect((await ask("only", "held", true)).body.toString()).toBe(text);
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  });
});

test("an endpoint whose answers break off is ejected", async () => {
  good.say("dies", { pieces: [ROLE, chunk({ content: "half" })], ending: "reset" });
  for (let request = 0; request < FAILURES_MAX; request++) await ask("only", "dies", true);
  await fleet.until(standings, (seen) => seen.some(([id, standing]) => id === "only" && standing === "ejected"));
});
