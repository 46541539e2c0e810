/** Forms: sound and pictures that go up, with the published `openai` package. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { APIError, toFile } from "openai";
import {
  errorOf,
  formOf,
  MODEL as model,
  sound,
  startFormFleet,
  TRANSCRIPTIONS,
  UPLOAD_BYTES_MAX,
} from "../support/form-fleet.ts";
import type { FormFleet } from "../support/form-fleet.ts";
import { openaiAt, openaiOf } from "../support/openai.ts";

/** Made up, and put together here so that no scanner takes this file for a leak. */
const SECRET = `AKIA${"Q4F5BNZSWAIK7GLP"}`;

let forms: FormFleet;
beforeAll(async () => {
  forms = await startFormFleet();
});
afterAll(async () => forms.close());

const picture = async (name: string) => toFile(Buffer.from("not looked at"), name, { type: "image/png" });

describe("with the openai package", () => {
  test("a transcript is the endpoint's, also where the model comes behind the file", async () => {
    const file = sound();
    const routed = await openaiOf(forms.fleet).audio.transcriptions.create({ file, model });
    expect(routed.text.length).toBeGreaterThan(10);
    const direct = await openaiAt(forms.fleet.simulator("us-a").url).audio.transcriptions.create({ file, model });
    expect(routed.text.split(" ")).toHaveLength(direct.text.split(" ").length);
  });

  test("a transcript comes in pieces where that is asked for", async () => {
    const stream = await openaiOf(forms.fleet).audio.transcriptions.create({ file: sound(), model, stream: true });
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
    for (const { setFault } of forms.fleet.simulators.values())
      setFault({ kind: "die_after_bytes", bytes: 150, times: 1 });
    const stream = await openaiOf(forms.fleet).audio.transcriptions.create({ file: sound(), model, stream: true });
    const read = async (): Promise<void> => {
      for await (const event of stream) expect(event.type).toBe("transcript.text.delta");
    };
    await expect(read()).rejects.toBeInstanceOf(APIError);
    for (const { setFault } of forms.fleet.simulators.values()) setFault({ kind: "none" });
  });

  test.each(["text", "srt", "vtt"] as const)("a transcript as %s is a text", async (response_format) => {
    const text = await openaiOf(forms.fleet).audio.transcriptions.create({ file: sound(), model, response_format });
    expect(text).toMatch(response_format === "vtt" ? /^WEBVTT/ : /\w/);
  });

  test("a translation", async () => {
    expect((await openaiOf(forms.fleet).audio.translations.create({ file: sound(), model })).text).not.toBe("");
  });

  test("pictures are edited, several at once", async () => {
    const image = [await picture("a.png"), await picture("b.png")];
    const { data } = await openaiOf(forms.fleet).images.edit({
      model,
      image,
      mask: await picture("c.png"),
      prompt: "warmer",
      n: 2,
    });
    expect(data).toHaveLength(2);
  });

  test("a picture is edited in pieces", async () => {
    const asked = { model, image: await picture("a.png"), prompt: "warmer", stream: true, partial_images: 1 } as const;
    const types: string[] = [];
    for await (const { type } of await openaiOf(forms.fleet).images.edit(asked)) types.push(type);
    expect(types).toEqual(["image_edit.partial_image", "image_edit.completed"]);
  });

  test("a picture is varied", async () => {
    const { data } = await openaiOf(forms.fleet).images.createVariation({ model, image: await picture("a.png") });
    expect(data).toHaveLength(1);
  });

  test("an edit in JSON goes the way of JSON", async () => {
    const images = [{ image_url: "data:image/png;base64,AAAA" }];
    const response = await forms.fleet.call("/v1/images/edits", {
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
    const response = await forms.post(form);
    expect(response.status).toBe(status);
    expect((await errorOf(response)).message).toContain(says);
  });

  test("another type of body", async () => {
    const response = await forms.fleet.call(TRANSCRIPTIONS, {
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
        ["file", sound(UPLOAD_BYTES_MAX)],
      ]);
    expect((await forms.post(form())).status).toBe(413);
    const { body, headers } = new Response(form());
    const type = headers.get("content-type") ?? "";
    const chunked = { method: "POST", headers: { "content-type": type }, body, duplex: "half" } as RequestInit;
    const response = await forms.fleet.call(TRANSCRIPTIONS, chunked);
    expect([response.status, (await errorOf(response)).message]).toEqual([
      413,
      expect.stringContaining("limits.uploadBytesMax"),
    ]);
  });
});

describe("rails read a form's fields", () => {
  test("what they refuse is refused", async () => {
    const response = await forms.post(
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
        await forms.post(
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
    const response = await forms.post(
      formOf([
        ["file", file],
        ["prompt", `my key ${SECRET} ok`],
        ["model", "sink"],
      ]),
    );
    expect(response.status).toBe(200);
    const { pieces, headers } = await forms.sink.seen(({ isWhole }) => isWhole);
    const type = { "content-type": headers["content-type"] ?? "" };
    const got = await new Response(Buffer.concat(pieces), { headers: type }).formData();
    expect(String(got.get("prompt"))).toMatch(/^my key \[\w+(?:[:_]\w+)*\] ok$/);
    expect(
      Buffer.from(await (got.get("file") as File).arrayBuffer()).equals(Buffer.from(await file.arrayBuffer())),
    ).toBe(true);
  });

  test("that there is sound is told as not read, and refused where it must be read", async () => {
    const passed = await forms.post(
      formOf([
        ["file", sound()],
        ["model", "sink"],
      ]),
    );
    expect(passed.headers.get("x-warmpath-rails")).toContain("not_read");
    const refused = await forms.post(
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
    const before = [forms.sink.uploads.length, forms.other.uploads.length];
    forms.sink.statuses.push(500);
    forms.other.statuses.push(500);
    const form = () =>
      formOf([
        ["file", sound()],
        ["model", "two"],
      ]);
    await (await forms.post(form())).text();
    forms.sink.statuses.length = 0;
    forms.other.statuses.length = 0;
    // Both fail once: the first request is lost, and both were asked.
    expect(
      [forms.sink.uploads.length, forms.other.uploads.length].map((count, at) => count - (before[at] ?? 0)),
    ).toEqual([1, 1]);
    expect((await forms.post(form())).status).toBe(200);
  });

  test("names the model as its endpoint does", async () => {
    expect(
      (
        await forms.post(
          formOf([
            ["file", sound()],
            ["model", "named"],
            ["language", "en"],
          ]),
        )
      ).status,
    ).toBe(200);
    const { pieces, headers } = await forms.sink.seen(({ isWhole }) => isWhole);
    const type = { "content-type": headers["content-type"] ?? "" };
    const got = await new Response(Buffer.concat(pieces), { headers: type }).formData();
    expect([got.get("model"), got.get("language")]).toEqual(["its-own-name", "en"]);
  });
});
