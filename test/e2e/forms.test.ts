/** Forms: sound and pictures that go up, with the published `openai` package, and in pieces. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { APIError, toFile } from "openai";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { openaiAt, openaiOf } from "../support/openai.ts";
import { rawCall } from "../support/raw-client.ts";
import { startUploadSink } from "../support/upload-sink.ts";
import type { UploadSink } from "../support/upload-sink.ts";

/** Made up, and put together here so that no scanner takes this file for a leak. */
const SECRET = `AKIA${"Q4F5BNZSWAIK7GLP"}`;
/** Longer forms go up as they come. */
const HEAD_BYTES_MAX = 262_144;

const model = "test-model";
let fleet: Fleet;
let sink: UploadSink;
let other: UploadSink;
beforeAll(async () => {
  [sink, other] = [await startUploadSink(), await startUploadSink()];
  const at = (id: string, { url }: UploadSink, more: object = {}) => ({
    id,
    region: "us-east",
    backend: "openai",
    url,
    concurrencyPerWorker: 8,
    ...more,
  });
  fleet = await startFleet({
    endpoints: [
      { id: "us-a", region: "us-east" },
      { id: "us-b", region: "us-east" },
    ],
    pool: { models: [model], patienceMs: 5_000, rails: { input: ["size", { use: "secrets", action: "block" }] } },
    morePools: {
      sink: { models: ["sink"], endpoints: [at("one", sink)], rails: { input: ["secrets"] } },
      bare: { models: ["bare"], endpoints: [at("bare", sink)], rails: { input: [] } },
      named: { models: ["named"], endpoints: [at("named", sink, { model: "its-own-name" })] },
      two: { models: ["two"], endpoints: [at("first", sink), at("second", other)], rails: { input: [] } },
      strict: {
        models: ["strict"],
        endpoints: [at("strict", sink)],
        rails: { input: [{ use: "secrets", action: "block", onMedia: "closed" }] },
      },
    },
    config: { limits: { uploadHeadBytesMax: HEAD_BYTES_MAX, uploadBytesMax: 2_097_152 } },
  });
});
afterAll(async () => {
  await fleet.close();
  await sink.close();
  await other.close();
});

const sound = (bytes = 20_000) => new File([randomBytes(bytes)], "a.wav", { type: "audio/wav" });
const picture = async (name: string) => toFile(Buffer.from("not looked at"), name, { type: "image/png" });

function formOf(fields: readonly (readonly [name: string, value: string | File])[]): FormData {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  return form;
}

const TRANSCRIPTIONS = "/v1/audio/transcriptions";
const post = async (form: FormData, path = TRANSCRIPTIONS, headers: Record<string, string> = {}): Promise<Response> =>
  fleet.call(path, { method: "POST", body: form, headers });
const errorOf = async (response: Response) =>
  ((await response.json()) as { readonly error: { readonly message: string; readonly code: string } }).error;

describe("with the openai package", () => {
  test("a transcript is the endpoint's, also where the model comes behind the file", async () => {
    const file = sound();
    const routed = await openaiOf(fleet).audio.transcriptions.create({ file, model });
    expect(routed.text.length).toBeGreaterThan(10);
    const direct = await openaiAt(fleet.simulator("us-a").url).audio.transcriptions.create({ file, model });
    expect(routed.text.split(" ")).toHaveLength(direct.text.split(" ").length);
  });

  test("a transcript comes in pieces where that is asked for", async () => {
    const stream = await openaiOf(fleet).audio.transcriptions.create({ file: sound(), model, stream: true });
    let text = "";
    let whole = "";
    for await (const event of stream) {
      if (event.type === "transcript.text.delta") text += event.delta;
      if (event.type === "transcript.text.done") whole = event.text;
    }
    expect(text).toBe(whole);
    expect(whole).not.toBe("");
  });

  test("a transcript that is cut is an error, and no short one", async () => {
    for (const { setFault } of fleet.simulators.values()) setFault({ kind: "die_after_bytes", bytes: 150, times: 1 });
    const stream = await openaiOf(fleet).audio.transcriptions.create({ file: sound(), model, stream: true });
    const read = async (): Promise<void> => {
      for await (const event of stream) expect(event.type).toBe("transcript.text.delta");
    };
    await expect(read()).rejects.toBeInstanceOf(APIError);
    for (const { setFault } of fleet.simulators.values()) setFault({ kind: "none" });
  });

  test.each(["text", "srt", "vtt"] as const)("a transcript as %s is a text", async (response_format) => {
    const text = await openaiOf(fleet).audio.transcriptions.create({ file: sound(), model, response_format });
    expect(text).toMatch(response_format === "vtt" ? /^WEBVTT/ : /\w/);
  });

  test("a translation", async () => {
    expect((await openaiOf(fleet).audio.translations.create({ file: sound(), model })).text).not.toBe("");
  });

  test("pictures are edited, several at once", async () => {
    const image = [await picture("a.png"), await picture("b.png")];
    const { data } = await openaiOf(fleet).images.edit({ model, image, mask: image[0]!, prompt: "warmer", n: 2 });
    expect(data).toHaveLength(2);
  });

  test("a picture is edited in pieces", async () => {
    const asked = { model, image: await picture("a.png"), prompt: "warmer", stream: true, partial_images: 1 } as const;
    const types: string[] = [];
    for await (const { type } of await openaiOf(fleet).images.edit(asked)) types.push(type);
    expect(types).toEqual(["image_edit.partial_image", "image_edit.completed"]);
  });

  test("a picture is varied", async () => {
    const { data } = await openaiOf(fleet).images.createVariation({ model, image: await picture("a.png") });
    expect(data).toHaveLength(1);
  });

  test("an edit in JSON goes the way of JSON", async () => {
    const images = [{ image_url: "data:image/png;base64,AAAA" }];
    const response = await fleet.call("/v1/images/edits", {
      method: "POST",
      body: JSON.stringify({ model, images, prompt: "warmer" }),
    });
    expect(response.status).toBe(200);
  });
});

describe("what is not served is said in OpenAI's form", () => {
  test.each<[string, FormData, number, string]>([
    ["no model", formOf([["file", sound()]]), 400, "model is required"],
    [
      "another model",
      formOf([
        ["file", sound()],
        ["model", "other"],
      ]),
      404,
      "No pool serves",
    ],
    [
      "two models",
      formOf([
        ["model", model],
        ["file", sound()],
        ["model", "sink"],
      ]),
      400,
      "is there twice",
    ],
    [
      "a prompt as a file",
      formOf([
        ["model", model],
        ["prompt", sound()],
      ]),
      400,
      "is no file",
    ],
  ])("%s", async (_, form, status, says) => {
    const response = await post(form);
    expect(response.status).toBe(status);
    expect((await errorOf(response)).message).toContain(says);
  });

  test("another type of body", async () => {
    const response = await fleet.call(TRANSCRIPTIONS, {
      method: "POST",
      headers: { "content-type": "audio/wav" },
      body: randomBytes(100),
    });
    expect([response.status, (await errorOf(response)).code]).toEqual([415, "unsupported_media_type"]);
  });

  test("a form that is longer than a form may be, whatever it says of its length", async () => {
    const form = () =>
      formOf([
        ["model", "sink"],
        ["file", sound(2_097_152)],
      ]);
    expect((await post(form())).status).toBe(413);
    const { body, headers } = new Response(form());
    const type = headers.get("content-type") ?? "";
    const chunked = { method: "POST", headers: { "content-type": type }, body, duplex: "half" } as RequestInit;
    const response = await fleet.call(TRANSCRIPTIONS, chunked);
    expect([response.status, (await errorOf(response)).message]).toEqual([
      413,
      expect.stringContaining("limits.uploadBytesMax"),
    ]);
  });
});

describe("rails read a form's fields", () => {
  test("what they refuse is refused", async () => {
    const response = await post(
      formOf([
        ["file", sound()],
        ["model", model],
        ["prompt", `my key ${SECRET}`],
      ]),
    );
    expect([response.status, (await errorOf(response)).code]).toEqual([400, "blocked_by_guardrail"]);
  });

  test("a file's name is read too", async () => {
    const named = new File([randomBytes(10)], `${SECRET}.wav`);
    expect(
      (
        await post(
          formOf([
            ["file", named],
            ["model", model],
          ]),
        )
      ).status,
    ).toBe(400);
  });

  test("what they redact goes up without it, and every other byte as it came", async () => {
    const file = sound();
    const response = await post(
      formOf([
        ["file", file],
        ["prompt", `my key ${SECRET} ok`],
        ["model", "sink"],
      ]),
    );
    expect(response.status).toBe(200);
    const { pieces, headers } = await sink.seen(({ isWhole }) => isWhole);
    const type = { "content-type": headers["content-type"] ?? "" };
    const got = await new Response(Buffer.concat(pieces), { headers: type }).formData();
    expect(String(got.get("prompt"))).toMatch(/^my key \[\w+(?:[:_]\w+)*\] ok$/);
    expect(
      Buffer.from(await (got.get("file") as File).arrayBuffer()).equals(Buffer.from(await file.arrayBuffer())),
    ).toBe(true);
  });

  test("that there is sound is told as not read, and refused where it must be read", async () => {
    const passed = await post(
      formOf([
        ["file", sound()],
        ["model", "sink"],
      ]),
    );
    expect(passed.headers.get("x-warmpath-rails")).toContain("not_read");
    const refused = await post(
      formOf([
        ["file", sound()],
        ["model", "strict"],
      ]),
    );
    expect([refused.status, (await errorOf(refused)).code]).toEqual([415, "unread_type_by_guardrail"]);
  });
});

describe("a form that is held", () => {
  test("is sent again elsewhere", async () => {
    const before = [sink.uploads.length, other.uploads.length];
    sink.statuses.push(500);
    other.statuses.push(500);
    const form = () =>
      formOf([
        ["file", sound()],
        ["model", "two"],
      ]);
    await (await post(form())).text();
    sink.statuses.length = 0;
    other.statuses.length = 0;
    // Both fail once: the first request is lost, and both were asked.
    expect([sink.uploads.length, other.uploads.length].map((count, at) => count - (before[at] ?? 0))).toEqual([1, 1]);
    expect((await post(form())).status).toBe(200);
  });

  test("names the model as its endpoint does", async () => {
    expect(
      (
        await post(
          formOf([
            ["file", sound()],
            ["model", "named"],
            ["language", "en"],
          ]),
        )
      ).status,
    ).toBe(200);
    const { pieces, headers } = await sink.seen(({ isWhole }) => isWhole);
    const type = { "content-type": headers["content-type"] ?? "" };
    const got = await new Response(Buffer.concat(pieces), { headers: type }).formData();
    expect([got.get("model"), got.get("language")]).toEqual(["its-own-name", "en"]);
  });
});

describe("a longer form goes up as it comes", () => {
  const BOUNDARY = "b0undary";
  const field = (name: string, value: string) =>
    `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const FILE = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n`;
  const END = `\r\n--${BOUNDARY}--\r\n`;
  const open = (headers: Record<string, string> = {}, path = TRANSCRIPTIONS) =>
    rawCall(fleet.router.url + path, {
      method: "POST",
      headers: {
        authorization: `Bearer ${fleet.key}`,
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
    const upload = await sink.seen(({ bytes, isOver }) => !isOver && bytes >= half.length);
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
    await sink.seen(({ bytes, isOver }) => !isOver && bytes > HEAD_BYTES_MAX);
    request.end(END);
    expect((await answer).status).toBe(200);
    expect(sink.uploads.at(-1)?.headers["transfer-encoding"]).toBe("chunked");
  });

  test("a client that leaves within it ends it at the endpoint too", async () => {
    const { request, leave } = open();
    request.write(field("model", "sink") + FILE);
    request.write(half);
    await sink.seen(({ bytes, isOver }) => !isOver && bytes > HEAD_BYTES_MAX);
    leave("reset");
    expect((await sink.seen(({ isOver }) => isOver)).isWhole).toBe(false);
    expect(
      await fleet.until(
        async () => fleet.liveLeases(),
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
    await sink.seen(({ bytes, isOver }) => !isOver && bytes > HEAD_BYTES_MAX);
    request.end(end);
    const { status, body } = await answer;
    expect([status, body.toString()]).toEqual([400, expect.stringMatching(says)]);
    const upload = await sink.seen(({ isOver }) => isOver);
    expect(upload.isWhole).toBe(false);
    if (hidden !== null) expect(Buffer.concat(upload.pieces).includes(hidden)).toBe(false);
    // It was nobody's fault: the next one is served.
    expect(
      (
        await post(
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
    expect(sink.uploads.at(-1)?.headers["x-warmpath-model"]).toBeUndefined();
  });

  test("what has gone up is not sent twice", async () => {
    const before = sink.uploads.length + other.uploads.length;
    sink.statuses.push(500);
    other.statuses.push(500);
    const response = await post(
      formOf([
        ["model", "two"],
        ["file", sound(600_000)],
      ]),
    );
    expect(response.status).toBe(502);
    sink.statuses.length = 0;
    other.statuses.length = 0;
    expect(sink.uploads.length + other.uploads.length).toBe(before + 1);
  });

  test("an endpoint that refuses before it has read is heard, and the client's rest is taken", async () => {
    sink.early = 422;
    const response = await post(
      formOf([
        ["model", "sink"],
        ["file", sound(1_500_000)],
      ]),
    );
    expect([response.status, (await errorOf(response)).message]).toEqual([422, "no"]);
    sink.early = null;
  });

  test("its fields are read by the rails before anything of it goes up", async () => {
    const before = fleet.simulator("us-a").stats.requests + fleet.simulator("us-b").stats.requests;
    const response = await post(
      formOf([
        ["model", model],
        ["prompt", SECRET],
        ["file", sound(600_000)],
      ]),
    );
    expect([response.status, (await errorOf(response)).code]).toEqual([400, "blocked_by_guardrail"]);
    expect(fleet.simulator("us-a").stats.requests + fleet.simulator("us-b").stats.requests).toBe(before);
  });

  test("what rails redact of it goes up without it, with the length that it then has", async () => {
    const file = sound(600_000);
    expect(
      (
        await post(
          formOf([
            ["model", "sink"],
            ["prompt", `key ${SECRET}`],
            ["file", file],
          ]),
        )
      ).status,
    ).toBe(200);
    const { pieces, headers, bytes } = await sink.seen(({ isWhole }) => isWhole);
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
    expect((await post(form, "/v1/images/edits")).status).toBe(200);
  });
});
