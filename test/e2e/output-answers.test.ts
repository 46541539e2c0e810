/** Guardrails behind the endpoint: whole answers, data that is put back, and what each kind of rail may do. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openaiOf } from "../support/openai.ts";
import { chatStream, chatText, EMAIL, expectPrivate, KEY, startOutputStage, tokens } from "../support/output-stage.ts";
import type { OutputStage } from "../support/output-stage.ts";

let stage: OutputStage;
beforeAll(async () => {
  stage = await startOutputStage();
});
afterAll(() => stage.close());

describe("an answer that is not a stream", () => {
  const json = (content: unknown) => ({
    contentType: "application/json",
    // A number that a double cannot hold.
    pieces: [
      `{"id":"c","created":9007199254740993,"choices":[{"index":0,"message":{"role":"assistant","content":${JSON.stringify(content)}},"finish_reason":"stop"}]}`,
    ],
  });

  test("is redacted, with its own length, and says so", async () => {
    const speech = json(`write to ${EMAIL}`);
    const { status, headers, body } = await stage.answerTo("redacting", speech);
    expect([status, headers["content-length"]]).toEqual([200, String(body.length)]);
    expect(body.toString()).toBe(speech.pieces[0]?.replace(EMAIL, "[REDACTED:email]"));
    expect(headers["x-warmpath-rails"]).toMatch(/^output\.secrets=allow;\d+, output\.pii=redact;\d+$/);
    expect(headers["server-timing"]).toMatch(/rail-output\.pii;dur=\d+;desc="redact"/);
    await stage.leasesAreHome();
  });

  test("is passed on as the same bytes when nothing is found", async () => {
    const speech = { ...json("fine"), pieces: [` ${json("fine").pieces[0] ?? ""}\n`] };
    expect((await stage.answerTo("redacting", speech)).body.toString()).toBe(speech.pieces[0]);
  });

  test("is redacted when it is long and comes in pieces", async () => {
    const [whole = ""] = json(`${"All is well. ".repeat(20_000)}${EMAIL}`).pieces;
    const pieces = whole.match(/.{1,30000}/gs) ?? [];
    const { body } = await stage.answerTo("redacting", { contentType: "application/json", pieces });
    expect(body.toString()).toBe(whole.replace(EMAIL, "[REDACTED:email]"));
    await stage.leasesAreHome();
  });

  test("is refused as an error that names the rail and repeats nothing", async () => {
    const { status, headers, body } = await stage.answerTo("blocking", json(`the key is ${KEY}`));
    expect([status, headers["x-should-retry"]]).toEqual([400, "false"]);
    expect(JSON.parse(body.toString())).toMatchObject({
      error: { code: "blocked_by_guardrail", message: expect.stringContaining('"secrets"') as string },
    });
    expect(headers["x-warmpath-rails"]).toMatch(/^output\.secrets=block;\d+, output\.topics=allow;\d+$/);
    expectPrivate(body);
    await stage.leasesAreHome();
  });

  const unreadable = [
    ["in an encoding that nobody decodes", { ...json("x"), headers: { "content-encoding": "zstd" } }],
    [
      "too large",
      {
        contentType: "application/json",
        pieces: ['{"choices":[', ...Array.from({ length: 45 }, () => Buffer.alloc(100_000, 32))],
      },
    ],
  ] as const;
  test("and no JSON is none", async () => {
    const speech = { contentType: "application/json", pieces: [`hello ${EMAIL}`] };
    const { status, body } = await stage.answerTo("redacting", speech);
    expect([status, body.toString().includes("upstream_failed")]).toEqual([502, true]);
    expectPrivate(body);
    await stage.leasesAreHome();
  });

  test.each(unreadable)("and cannot be read (%s) passes where the rails fail open, and says so", async (_, speech) => {
    const { status, headers, body } = await stage.answerTo("redacting", speech);
    expect(status).toBe(200);
    expect(headers["x-warmpath-rails"]).toMatch(
      /^output\.secrets=rail_error;0;not_read, output\.pii=rail_error;0;not_read$/,
    );
    expect(body.length).toBe(Buffer.concat(speech.pieces.map((piece) => Buffer.from(piece))).length);
    await stage.leasesAreHome();
  });
  test.each(unreadable)("and cannot be read (%s) is refused where one fails closed", async (_, speech) => {
    const { status, body } = await stage.answerTo("blocking", speech);
    expect(status).toBe(503);
    expect(body.toString()).toContain("guardrail_unavailable");
    await stage.leasesAreHome();
  });

  test("passes untouched when it is of another kind", async () => {
    const vector = JSON.stringify({ data: [{ embedding: [1], note: EMAIL }] });
    const { body } = await stage.answerTo(
      "blocking",
      { contentType: "application/json", pieces: [vector] },
      { path: "/v1/embeddings" },
    );
    expect(body.toString()).toBe(vector);
  });

  test.each(["//v1/chat//completions/", "/v1/ch%61t/completions?x=1", "/V1/Chat/Completions"])(
    "is known by its path however it is written: %s",
    async (path) => {
      const { body } = await stage.answerTo("redacting", json(EMAIL), { path });
      expect(body.toString()).toContain("[REDACTED:email]");
    },
  );

  test("is asked for without compression", async () => {
    const client = openaiOf(stage.fleet, { defaultHeaders: { "x-speech": "plain", "x-warmpath-place": "us-east" } });
    stage.speaker.say("plain", json("fine"));
    const answer = await client.chat.completions.create({
      model: "redacting",
      messages: [{ role: "user", content: "x" }],
    });
    expect(answer.choices[0]?.message.content).toBe("fine");
    expect(stage.speaker.acceptEncoding()).toBe("identity");
  });
});

describe("personal data that the request was sent without is put back", () => {
  const body = { messages: [{ role: "user", content: `I am ${EMAIL}` }] };

  test("in an answer", async () => {
    const message = {
      role: "assistant",
      content: "Hello [EMAIL_1], not [EMAIL_2]",
      tool_calls: [{ function: { arguments: '{"to":"[EMAIL_1]"}' } }],
    };
    const pieces = [JSON.stringify({ choices: [{ message }] })];
    const { body: answer } = await stage.answerTo("restoring", { contentType: "application/json", pieces }, { body });
    expect(answer.toString()).toBe(pieces[0]?.replaceAll("[EMAIL_1]", EMAIL));
    expect(stage.speaker.heard()[0]).toContain("I am [EMAIL_1]");
  });

  test("in a stream, where the placeholder was cut", async () => {
    const pieces = chatStream(["Hello [E", "MAIL", "_1], and other@example.org, [EM"]).split(/(?<=\n\n)/);
    const { body: answer } = await stage.answerTo("restoring", { pieces }, { body });
    expect(chatText(answer).text).toBe(`Hello ${EMAIL}, and [REDACTED:email], [EM`);
  });
});

describe("what a rail may not do, it does not do", () => {
  test("a rail in shadow and one that flags change nothing and hold nothing back", async () => {
    const sse = chatStream(tokens(`key ${KEY} mail ${EMAIL}`));
    const { body } = await stage.answerTo("watching", { pieces: sse.split(/(?<=\n\n)/) });
    expect(body.toString()).toBe(sse);
  });

  test("and are told in the headers of an answer that is not a stream", async () => {
    const pieces = [JSON.stringify({ choices: [{ message: { content: `${KEY} ${EMAIL}` } }] })];
    const { body, headers } = await stage.answerTo("watching", { contentType: "application/json", pieces });
    expect(body.toString()).toBe(pieces[0]);
    expect(headers["x-warmpath-rails"]).toMatch(/^output\.secrets=redact;\d+;shadow, output\.pii=flag;\d+$/);
  });
});

describe("a schema for answers", () => {
  test.each([
    ['{"city":"Ulm"}', ["stop"]],
    ['{"town":"Ulm"}', ["content_filter"]],
    ["Ulm", ["content_filter"]],
  ])("%s ends with %s", async (text, finish) => {
    const { body } = await stage.answerTo("schema", { pieces: chatStream(tokens(text)).split(/(?<=\n\n)/) });
    expect(chatText(body)).toEqual({ text, finish, error: null, isDone: true });
  });

  test("refuses an answer that is not a stream", async () => {
    const pieces = [JSON.stringify({ choices: [{ message: { content: "[]" } }] })];
    expect((await stage.answerTo("schema", { contentType: "application/json", pieces })).status).toBe(400);
  });
});

test("links, patterns, profanity, hidden characters and the hidden prompt are found too", async () => {
  const prompt = "You are the night porter of the Grand Hotel and never speak of room nine.";
  const said = `![x](https://evil.example/?q=1) TCK-1234 shit a\u200bb. The end of it: ${prompt}`;
  const body = {
    messages: [
      { role: "system", content: prompt },
      { role: "user", content: "x" },
    ],
  };
  const { body: answer } = await stage.answerTo(
    "many",
    { pieces: chatStream(tokens(said)).split(/(?<=\n\n)/) },
    { body },
  );
  const { text, finish } = chatText(answer);
  expect(text).toMatch(
    /^!\[x\]\(\[REDACTED:[a-z_]+\]\) \[REDACTED:ticket\] \[REDACTED:profanity\] ab\. The end of it: /,
  );
  expect(text).not.toContain("night porter");
  expect(finish).toEqual(["content_filter"]);
});
