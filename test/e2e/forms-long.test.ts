/** Forms that are too long to be held: they go up as they come. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  errorOf,
  formOf,
  HEAD_BYTES_MAX,
  MODEL as model,
  sound,
  startFormFleet,
  TRANSCRIPTIONS,
} from "../support/form-fleet.ts";
import type { FormFleet } from "../support/form-fleet.ts";
import { rawCall } from "../support/raw-client.ts";

/** Made up, and put together here so that no scanner takes this file for a leak. */
const SECRET = `AKIA${"Q4F5BNZSWAIK7GLP"}`;

let forms: FormFleet;
beforeAll(async () => {
  forms = await startFormFleet();
});
afterAll(async () => forms.close());

describe("a longer form goes up as it comes", () => {
  const BOUNDARY = "b0undary";
  const field = (name: string, value: string) =>
    `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const FILE = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n`;
  const END = `\r\n--${BOUNDARY}--\r\n`;
  const open = (headers: Record<string, string> = {}, path = TRANSCRIPTIONS, of = forms) =>
    rawCall(of.fleet.router.url + path, {
      method: "POST",
      headers: {
        authorization: `Bearer ${forms.fleet.key}`,
        "content-type": `multipart/form-data; boundary=${BOUNDARY}`,
        ...headers,
      },
    });
  const half = randomBytes(600_000);

  test("the endpoint has the first half while the client still has the second", async () => {
    const head = field("model", "sink") + FILE;
    const length = head.length + 2 * half.length + END.length;
    const { request, answer } = open({ "content-length": String(length) });
    request.write(head);
    request.write(half);
    const upload = await forms.sink.seen(({ bytes, isOver }) => !isOver && bytes >= half.length);
    expect(upload.headers["content-length"]).toBe(String(length));
    request.end(Buffer.concat([half, Buffer.from(END)]));
    const { status, body } = await answer;
    expect([status, JSON.parse(body.toString())]).toEqual([200, { text: "hello" }]);
    const sent = Buffer.concat([Buffer.from(head), half, half, Buffer.from(END)]);
    expect(Buffer.concat(upload.pieces).equals(sent)).toBe(true);
  });

  test("also without a length, from the byte on at which it is too long to be held", async () => {
    const { request, answer } = open();
    request.write(field("model", "bare") + FILE);
    request.write(half);
    await forms.sink.seen(({ bytes, isOver }) => !isOver && bytes > HEAD_BYTES_MAX);
    request.end(END);
    expect((await answer).status).toBe(200);
    expect(forms.sink.uploads.at(-1)?.headers["transfer-encoding"]).toBe("chunked");
  });

  test("a client that leaves within it ends it at the endpoint too", async () => {
    const { request, leave } = open();
    request.write(field("model", "sink") + FILE);
    request.write(half);
    await forms.sink.seen(({ bytes, isOver }) => !isOver && bytes > HEAD_BYTES_MAX);
    leave("reset");
    expect((await forms.sink.seen(({ isOver }) => isOver)).isWhole).toBe(false);
    expect(
      await forms.fleet.until(
        async () => forms.fleet.liveLeases(),
        (live) => live === 0,
      ),
    ).toBe(0);
  });

  test.each<[string, string, string | null, RegExp]>([
    ["ends before its end", "", null, /ends before its last boundary/],
    [
      "has a field behind its file",
      `\r\n${field("prompt", SECRET)}--${BOUNDARY}--`,
      SECRET,
      /The field prompt came after/,
    ],
    ["has another model behind its file", `\r\n${field("model", "bare")}--${BOUNDARY}--`, null, /is there twice/],
    ["has something behind its end", `${END}${field("prompt", "x")}`, null, /boundary stands where/],
  ])("one that %s is refused, and no endpoint takes it for whole", async (_, end, hidden, says) => {
    const { request, answer } = open();
    request.write(field("model", "sink") + FILE);
    request.write(half);
    await forms.sink.seen(({ bytes, isOver }) => !isOver && bytes > HEAD_BYTES_MAX);
    request.end(end);
    const { status, body } = await answer;
    expect([status, body.toString()]).toEqual([400, expect.stringMatching(says)]);
    const upload = await forms.sink.seen(({ isOver }) => isOver);
    expect(upload.isWhole).toBe(false);
    if (hidden !== null) expect(Buffer.concat(upload.pieces).includes(hidden)).toBe(false);
    // It was nobody's fault: the next one is served.
    expect(
      (
        await forms.post(
          formOf([
            ["file", sound()],
            ["model", "sink"],
          ]),
        )
      ).status,
    ).toBe(200);
  });

  test("a model that comes too late is refused, and taken where it is named beside the form", async () => {
    const late = async (headers: Record<string, string>, query: string, named: string) => {
      const { request, answer } = open(headers, TRANSCRIPTIONS + query);
      request.write(FILE);
      request.write(half);
      request.end(`\r\n${field("model", named)}--${BOUNDARY}--\r\n`);
      const { status, body } = await answer;
      return [status, body.toString()];
    };
    const length = String(FILE.length + half.length + field("model", "sink").length + 2 + BOUNDARY.length + 6);
    for (const more of [{}, { "content-length": length }]) {
      expect(await late(more, "", "sink")).toEqual([400, expect.stringContaining("x-warmpath-model")]);
      expect(await late({ ...more, "x-warmpath-model": "sink" }, "", "sink")).toEqual([200, '{"text":"hello"}']);
      expect(await late(more, "?model=sink", "sink")).toEqual([200, '{"text":"hello"}']);
      expect(await late({ ...more, "x-warmpath-model": "sink" }, "", "bare")).toEqual([
        400,
        expect.stringContaining("another one"),
      ]);
    }
    expect(forms.sink.uploads.at(-1)?.headers["x-warmpath-model"]).toBeUndefined();
  });

  test("of a model that turns out to be another one not a letter goes up", async () => {
    const { request, answer } = open({ "x-warmpath-model": "sink" });
    request.write(FILE);
    request.write(Buffer.alloc(600_000, "."));
    await forms.sink.seen(({ bytes, isOver }) => !isOver && bytes > HEAD_BYTES_MAX);
    request.end(`\r\n${field("model", "x".repeat(200_000))}--${BOUNDARY}--\r\n`);
    const { status, body } = await answer;
    expect([status, body.toString()]).toEqual([400, expect.stringContaining("another one")]);
    const { pieces } = await forms.sink.seen(({ isOver }) => isOver);
    expect(Buffer.concat(pieces).includes("xx")).toBe(false);
  });

  test("whose client stops sending ends with 408, and blames no endpoint", async () => {
    const hasty = await startFormFleet({ bodyTimeoutMs: 1_000 });
    try {
      for (const start of [FILE, field("model", "sink") + FILE]) {
        const { request, answer } = open({ authorization: `Bearer ${hasty.fleet.key}` }, TRANSCRIPTIONS, hasty);
        request.write(start);
        if (start !== FILE) request.write(half);
        const { status, body } = await answer;
        expect([status, body.toString()]).toEqual([408, expect.stringContaining("limits.bodyTimeoutMs")]);
      }
      expect((await hasty.sink.seen(({ isOver }) => isOver)).isWhole).toBe(false);
      await hasty.fleet.until(hasty.fleet.liveLeases, (live) => live === 0);
      const shards = await hasty.fleet.shards();
      const endpoints = shards.flatMap(({ status }) => status?.endpoints ?? []);
      expect(endpoints.find(({ id }) => id === "one")).toMatchObject({
        standing: "admitting",
        lastFailure: null,
        // What it was before anything was asked of it.
        failureProbability: 0.025,
      });
    } finally {
      await hasty.close();
    }
  });

  test("what has gone up is not sent twice", async () => {
    const before = forms.sink.uploads.length + forms.other.uploads.length;
    forms.sink.statuses.push(500);
    forms.other.statuses.push(500);
    const response = await forms.post(
      formOf([
        ["model", "two"],
        ["file", sound(600_000)],
      ]),
    );
    expect(response.status).toBe(502);
    forms.sink.statuses.length = 0;
    forms.other.statuses.length = 0;
    expect(forms.sink.uploads.length + forms.other.uploads.length).toBe(before + 1);
  });

  test("an endpoint that refuses before it has read is heard, and the client's rest is taken", async () => {
    forms.sink.early = 422;
    const response = await forms.post(
      formOf([
        ["model", "sink"],
        ["file", sound(1_500_000)],
      ]),
    );
    expect([response.status, (await errorOf(response)).message]).toEqual([422, "no"]);
    forms.sink.early = null;
  });

  test("its fields are read by the rails before anything of it goes up", async () => {
    const before = forms.fleet.simulator("us-a").stats.requests + forms.fleet.simulator("us-b").stats.requests;
    const response = await forms.post(
      formOf([
        ["model", model],
        ["prompt", SECRET],
        ["file", sound(600_000)],
      ]),
    );
    expect([response.status, (await errorOf(response)).code]).toEqual([400, "blocked_by_guardrail"]);
    expect(forms.fleet.simulator("us-a").stats.requests + forms.fleet.simulator("us-b").stats.requests).toBe(before);
  });

  test("what rails redact of it goes up without it, with the length that it then has", async () => {
    const file = sound(600_000);
    expect(
      (
        await forms.post(
          formOf([
            ["model", "sink"],
            ["prompt", `key ${SECRET}`],
            ["file", file],
          ]),
        )
      ).status,
    ).toBe(200);
    const { pieces, headers, bytes } = await forms.sink.seen(({ isWhole }) => isWhole);
    expect(Number(headers["content-length"])).toBe(bytes);
    expect(Buffer.concat(pieces).includes(SECRET)).toBe(false);
    expect(Buffer.concat(pieces).includes(Buffer.from(await file.arrayBuffer()))).toBe(true);
  });

  test("several files may follow one another", async () => {
    const form = formOf([
      ["model", model],
      ["prompt", "warmer"],
      ["image[]", sound(400_000)],
      ["image[]", sound(400_000)],
    ]);
    expect((await forms.post(form, "/v1/images/edits")).status).toBe(200);
  });
});
