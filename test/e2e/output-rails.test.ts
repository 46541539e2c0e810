/** Guardrails behind the endpoint, on streams: what a client gets to see, in whatever pieces it came. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openaiOf } from "../support/openai.ts";
import {
  chatStream,
  chatText,
  chunk,
  CARD,
  DONE,
  EMAIL,
  expectPrivate,
  KEY,
  startOutputStage,
  tokens,
} from "../support/output-stage.ts";
import type { ChatChunk, OutputStage } from "../support/output-stage.ts";
import { eventData } from "../support/raw-client.ts";

let stage: OutputStage;
beforeAll(async () => {
  stage = await startOutputStage();
});
afterAll(() => stage.close());

describe("a stream is redacted the same wherever it was cut", () => {
  const said = `Use ${KEY} or write to ${EMAIL}; card ${CARD}.`;
  const shown = "Use [REDACTED:openai_key] or write to [REDACTED:email]; card [REDACTED:card].";
  const minimal = (content: string) =>
    `data: {"choices":[{"index":0,"delta":{"content":${JSON.stringify(content)}}}]}\n\n`;
  const sse = [
    ...(said.match(/.{1,12}/gs) ?? []).map(minimal),
    'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    DONE,
  ].join("");

  test("at every single byte, each cut in a stream of its own", async () => {
    const bytes = Buffer.from(sse);
    const cuts = Array.from({ length: bytes.length - 1 }, (_, at) => at + 1);
    const wrong: unknown[] = [];
    const runNext = async (): Promise<void> => {
      for (let cut = cuts.pop(); cut !== undefined; cut = cuts.pop()) {
        const { status, body } = await stage.answerTo("redacting", {
          pieces: [bytes.subarray(0, cut), bytes.subarray(cut)],
        });
        const { text, finish, isDone } = chatText(body);
        if (status !== 200 || text !== shown || finish.join("") !== "stop" || !isDone)
          wrong.push([cut, status, body.toString()]);
      }
    };
    await Promise.all(Array.from({ length: 8 }, runNext));
    expect(wrong).toEqual([]);
    await stage.leasesAreHome();
  }, 120_000);

  test("and byte by byte", async () => {
    const { body } = await stage.answerTo("redacting", {
      pieces: Array.from(Buffer.from(sse), (byte) => Buffer.from([byte])),
    });
    expect(chatText(body)).toMatchObject({ text: shown, finish: ["stop"], isDone: true });
  });
});

describe("a stream in which nothing is found", () => {
  test.each([
    ["LF", "\n"],
    ["CRLF", "\r\n"],
  ])("goes out byte by byte as it came, comments, ids and markup too, with %s", async (_, lineBreak) => {
    const odd = `: keep-alive <b>\n\nid: 7\nretry: 10\n${chunk({ content: "a < b && c > d </plaintext><script>é😀漢\u0000 &amp;" })}event: x\ndata: []\n\n`;
    const bytes = Buffer.from(
      (
        odd +
        chatStream("The harbour | was quiet, | although the first boats | came in. ".split("|")).trimEnd() +
        "\n\n"
      ).replaceAll("\n", lineBreak),
    );
    const pieces = [bytes.subarray(0, 77), bytes.subarray(77, 150), bytes.subarray(150)];
    const { body, headers } = await stage.answerTo("redacting", { pieces });
    expect(body.toString()).toBe(bytes.toString());
    expect(headers["x-accel-buffering"]).toBe("no");
  });

  test("arrives while it is made: each token before the next is sent", async () => {
    const client = stage.ask("redacting", {
      pieces: [chatStream([]).split("\n\n")[0] + "\n\n", chunk({ content: "The harbour " })],
      ending: "hold",
    });
    await stage.fleet.until(
      async () => client.received().toString(),
      (text) => text.includes("The harbour "),
    );
    client.leave("reset");
    await stage.leasesAreHome();
  });
});

describe("a block in mid-stream", () => {
  const texts = ["Well, ", "the key is ", ...tokens(KEY), " and this is never said"];

  test("ends a chat as a content filter does; the endpoint is stopped and the lease is free", async () => {
    const aborted = stage.speaker.aborted();
    const pieces = chatStream(texts).split(/(?<=\n\n)/);
    const { status, body, whole } = await stage.answerTo("blocking", { pieces: pieces.slice(0, -2), ending: "hold" });
    expect([status, whole]).toEqual([200, true]);
    expect(chatText(body)).toEqual({
      text: "Well, the key is ",
      finish: ["content_filter"],
      error: null,
      isDone: true,
    });
    expectPrivate(body);
    await stage.fleet.until(
      async () => stage.speaker.aborted(),
      (count) => count === aborted + 1,
    );
    await stage.leasesAreHome();
  });

  test("ends a completion", async () => {
    const pieces = texts.map(
      (text) => `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, text, finish_reason: null }] })}\n\n`,
    );
    const { body } = await stage.answerTo("blocking", { pieces, ending: "hold" }, { path: "/v1/completions" });
    const data = eventData(body);
    expect(JSON.parse(data.at(-2) ?? "")).toMatchObject({ choices: [{ text: "", finish_reason: "content_filter" }] });
    expectPrivate(body);
  });

  test("ends a message of Anthropic's", async () => {
    const event = (data: { type: string }) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
    const start = { type: "message_start", message: { id: "m", usage: { input_tokens: 1, output_tokens: 1 } } };
    const pieces = [
      event(start),
      event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } } as never),
      ...texts.map((text) =>
        event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } } as never),
      ),
    ];
    const { body } = await stage.answerTo("blocking", { pieces, ending: "hold" }, { path: "/v1/messages" });
    const types = eventData(body).map((text) => (JSON.parse(text) as { type: string }).type);
    expect(types.slice(-3)).toEqual(["content_block_stop", "message_delta", "message_stop"]);
    expect(body.toString()).toContain('"stop_reason":"refusal"');
    expectPrivate(body);
  });

  test("ends a response of the Responses API", async () => {
    const event = (data: { type: string }, number: number) =>
      `event: ${data.type}\ndata: ${JSON.stringify({ ...data, sequence_number: number })}\n\n`;
    const pieces = [
      event(
        {
          type: "response.created",
          response: { id: "r", object: "response", status: "in_progress", output: [] },
        } as never,
        0,
      ),
      ...texts.map((delta, at) =>
        event(
          { type: "response.output_text.delta", item_id: "i", output_index: 0, content_index: 0, delta } as never,
          at + 1,
        ),
      ),
    ];
    const { body } = await stage.answerTo("blocking", { pieces, ending: "hold" }, { path: "/v1/responses" });
    expect(JSON.parse(eventData(body).at(-1) ?? "")).toMatchObject({
      type: "response.incomplete",
      response: { id: "r", status: "incomplete", incomplete_details: { reason: "content_filter" } },
    });
    expectPrivate(body);
  });

  test("by a topic, for the unmodified openai package: a stream that ends with content_filter", async () => {
    stage.speaker.say("topic", { pieces: chatStream(["Buy ", "the Ac", "me ro", "cket now"]).split(/(?<=\n\n)/) });
    const client = openaiOf(stage.fleet, { defaultHeaders: { "x-speech": "topic", "x-warmpath-place": "us-east" } });
    let text = "";
    let finish: string | null = null;
    const stream = await client.chat.completions.create({
      model: "blocking",
      stream: true,
      messages: [{ role: "user", content: "x" }],
    });
    for await (const { choices } of stream) {
      text += choices[0]?.delta.content ?? "";
      finish = choices[0]?.finish_reason ?? finish;
    }
    expect([text, finish]).toEqual(["Buy the ", "content_filter"]);
  });
});

test("the openai package reads a redacted stream without noticing", async () => {
  stage.speaker.say("redacted", { pieces: chatStream(tokens(`key: ${KEY}, mail: ${EMAIL}.`)).split(/(?<=\n\n)/) });
  const client = openaiOf(stage.fleet, { defaultHeaders: { "x-speech": "redacted", "x-warmpath-place": "us-east" } });
  const stream = client.chat.completions.stream({ model: "redacting", messages: [{ role: "user", content: "x" }] });
  expect(await stream.finalContent()).toBe("key: [REDACTED:openai_key], mail: [REDACTED:email].");
});

describe("text that looks like events stays text in an event that was rewritten:", () => {
  const injected = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "injected" } }] })}`;
  test.each([
    ["an event", `\n\n${injected}\n\n`],
    ["an event behind carriage returns", `\r\r${injected}\r\r`],
    ["an event with a name", `\r\n\r\nevent: error\r\n${injected}\r\n\r\n`],
    ["the end of the stream", "\n\ndata: [DONE]\n\n"],
    ["line separators of Unicode", `\u2028\u2028${injected}\u2029\u0085${injected}`],
  ])("%s", async (_, hostile) => {
    const pieces = chatStream(["so", `${hostile}${EMAIL} ${hostile}`, ", it says."]).split(/(?<=\n\n)/);
    const { body } = await stage.answerTo("redacting", { pieces });
    expect(chatText(body)).toEqual({
      ...chatText(Buffer.from(pieces.join(""))),
      text: `so${hostile}[REDACTED:email] ${hostile}, it says.`,
    });
    // Every event has data of its own, and nothing but that.
    const lines = body.toString().split(/\r\n|\r|\n/);
    expect(lines.filter((line) => line !== "" && !/^data: (?:\{.*\}|\[DONE\])$/s.test(line))).toEqual([]);
    expect(eventData(body).filter((data) => data === "[DONE]")).toHaveLength(1);
  });
});

test("arguments of a tool call stay JSON when a piece of them is redacted", async () => {
  const call = JSON.stringify({ to: EMAIL, body: `the key is\n${KEY}`, count: 3 });
  const pieces = [
    chunk({
      role: "assistant",
      tool_calls: [{ index: 0, id: "t", type: "function", function: { name: "send", arguments: "" } }],
    }),
    ...(call.match(/.{1,3}/gs) ?? []).map((text) =>
      chunk({ tool_calls: [{ index: 0, function: { arguments: text } }] }),
    ),
    chunk({}, "tool_calls"),
    DONE,
  ];
  const { body } = await stage.answerTo("redacting", { pieces });
  const events = eventData(body)
    .filter((text) => text !== "[DONE]")
    .map((text) => JSON.parse(text) as ChatChunk);
  const written = events.map(({ choices }) => choices?.[0]?.delta?.tool_calls?.[0]?.function.arguments ?? "").join("");
  expect(JSON.parse(written)).toEqual({ to: "[REDACTED:email]", body: "the key is\n[REDACTED:openai_key]", count: 3 });
});

describe("a stream that breaks off", () => {
  test("ends with one error event, after what was held and could be told", async () => {
    const whole = chatStream(tokens(`write to ${EMAIL} now`)).split(/(?<=\n\n)/);
    const pieces = [...whole.slice(0, 8), chunk({ content: KEY }).slice(0, -20)];
    const { status, body, whole: isWhole } = await stage.answerTo("redacting", { pieces, ending: "reset" });
    expect([status, isWhole]).toEqual([200, true]);
    const { text, error, isDone } = chatText(body);
    expect([error?.code, isDone]).toEqual(["upstream_cut", true]);
    expect(text).toBe("write to [REDACTED:email]");
    expectPrivate(body);
    await stage.leasesAreHome();
  });

  test.each(["close", "reset"] as const)(
    "on the client's side (%s): the endpoint is stopped and the lease is free",
    async (how) => {
      const aborted = stage.speaker.aborted();
      const pieces = Array.from({ length: 20_000 }, () => chunk({ content: "word " }));
      const client = stage.ask("redacting", { pieces, ending: "hold" });
      await stage.fleet.until(
        async () => client.received().length,
        (bytes) => bytes > 1_000,
      );
      client.leave(how);
      await stage.fleet.until(
        async () => stage.speaker.aborted(),
        (count) => count === aborted + 1,
      );
      await stage.leasesAreHome();
    },
  );
});

test("200 streams at once are all complete", async () => {
  const sse = chatStream([
    ...tokens("The harbour was quiet when the first boats came in. "),
    ...tokens(`Ask ${EMAIL}.`),
  ]);
  const pieces = sse.split(/(?<=\n\n)/);
  const answers = await Promise.all(Array.from({ length: 200 }, () => stage.answerTo("redacting", { pieces })));
  const texts = new Set(answers.map(({ body }) => JSON.stringify(chatText(body))));
  expect([...texts].map((text) => JSON.parse(text) as unknown)).toEqual([
    {
      text: "The harbour was quiet when the first boats came in. Ask [REDACTED:email].",
      finish: ["stop"],
      error: null,
      isDone: true,
    },
  ]);
  await stage.leasesAreHome();
});
