import { describe, expect, test } from "vitest";
import { createStreamRails } from "../../../../src/rails/core/stream/stream-rails.ts";
import { createSseDecoder, push } from "../../../../src/lib/sse.ts";
import type { StreamFormatName } from "../../../../src/rails/core/stream/stream-events.ts";
import type { StreamScanner } from "../../../../src/rails/core/stream/stream-scanner.ts";
import { piiScanner } from "../../../../src/rails/detectors/pii/stream-pii.ts";
import { secretsScanner } from "../../../../src/rails/detectors/secrets/stream-secrets.ts";
import { cutBy, GITHUB_KEY, PROJECT_KEY, PROSE, SETS } from "./stream-support.ts";

type Event = Record<string, unknown>;
const ALL = SETS["all"] ?? [];
const BLOCKING = [secretsScanner("block")];

const data = (event: unknown): string => `data: ${JSON.stringify(event)}\n\n`;
const named = (event: Event): string => `event: ${String(event["type"])}\n${data(event)}`;

const chunk = (choice: Event): string =>
  data({
    id: "c1",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, logprobs: null, finish_reason: null, ...choice }],
  });
const content = (text: string, index = 0): string => chunk({ index, delta: { content: text } });
const argument = (text: string, tool = 0): string =>
  chunk({ delta: { tool_calls: [{ index: tool, function: { arguments: text } }] } });
const DONE = "data: [DONE]\n\n";

function run(format: StreamFormatName, pieces: readonly string[], scanners: readonly StreamScanner[] = ALL) {
  const rails = createStreamRails({ format, scanners });
  let out = "";
  let blocked = null;
  for (const piece of pieces) {
    const pushed = rails.push(piece);
    out += pushed.out;
    blocked = pushed.blocked;
  }
  const last = rails.end();
  return { out: out + last.out, blocked: last.blocked ?? blocked, record: rails.record() };
}

function eventsOf(out: string): Event[] {
  const events = push(createSseDecoder(), out);
  if (!events.ok) throw new Error("the stream cannot be read");
  return events.value.filter((event) => event.data !== "[DONE]").map((event) => JSON.parse(event.data) as Event);
}

type Choice = {
  index: number;
  text?: string;
  finish_reason?: string | null;
  delta?: {
    content?: string;
    reasoning_content?: string;
    tool_calls?: { index: number; function: { arguments: string } }[];
  };
};
const choicesOf = (out: string): Choice[] => eventsOf(out).flatMap((event) => (event["choices"] ?? []) as Choice[]);
const textOf = (out: string, index = 0): string =>
  choicesOf(out)
    .filter((choice) => choice.index === index)
    .map(({ delta, text }) => delta?.content ?? text ?? "")
    .join("");
const argumentsOf = (out: string, tool = 0): string =>
  choicesOf(out)
    .flatMap(({ delta }) => delta?.tool_calls ?? [])
    .filter(({ index }) => index === tool)
    .map((call) => call.function.arguments)
    .join("");
const deltasOf = (out: string, type: string, member: string): string =>
  eventsOf(out)
    .map((event) => (event["type"] === type ? String((event["delta"] as Event)?.[member] ?? event["delta"]) : ""))
    .join("");

const tokens = (text: string): string[] => text.split(/(?= )/);
const FOUND = `Ask jane.doe@example.com or use ${GITHUB_KEY} today`;
const SHOWN = "Ask [REDACTED:email] or use [REDACTED:github_token] today";

const chatStream = (text: string): string =>
  chunk({ delta: { role: "assistant", content: "" } }) +
  tokens(text)
    .map((token) => content(token))
    .join("") +
  chunk({ delta: {}, finish_reason: "stop" }) +
  DONE;

const anthropicStream = (text: string): string =>
  [
    {
      type: "message_start",
      message: {
        id: "m1",
        type: "message",
        role: "assistant",
        content: [],
        usage: { input_tokens: 3, output_tokens: 1 },
      },
    },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "ping" },
    ...tokens(text).map((token) => ({
      type: "content_block_delta",
      index: 0,
      delta: { type: "text_delta", text: token },
    })),
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 9 } },
    { type: "message_stop" },
  ]
    .map(named)
    .join("");

function responsesStream(text: string): string {
  const part = { type: "output_text", text, annotations: [] };
  const item = { type: "message", id: "i1", role: "assistant", content: [part] };
  const place = { item_id: "i1", output_index: 0, content_index: 0 };
  return [
    { type: "response.created", response: { id: "r1", status: "in_progress", output: [] } },
    ...tokens(text).map((delta) => ({ type: "response.output_text.delta", ...place, delta, logprobs: [] })),
    { type: "response.output_text.done", ...place, text, logprobs: [] },
    { type: "response.content_part.done", ...place, part },
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: { id: "r1", status: "completed", output: [item] } },
  ]
    .map((event, number) => named({ ...event, sequence_number: number }))
    .join("");
}

const completionsStream = (text: string): string =>
  tokens(text)
    .map((token) => data({ id: "t1", choices: [{ index: 0, text: token, logprobs: null, finish_reason: null }] }))
    .join("") +
  data({ id: "t1", choices: [{ index: 0, text: "", logprobs: null, finish_reason: "length" }] }) +
  DONE;

const STREAMS: readonly {
  format: StreamFormatName;
  stream: (text: string) => string;
  read: (out: string) => string;
}[] = [
  { format: "chat", stream: chatStream, read: (out) => textOf(out) },
  { format: "completions", stream: completionsStream, read: (out) => textOf(out) },
  { format: "anthropic", stream: anthropicStream, read: (out) => deltasOf(out, "content_block_delta", "text") },
  { format: "responses", stream: responsesStream, read: (out) => deltasOf(out, "response.output_text.delta", "delta") },
];

describe.each(STREAMS)("a stream of $format", ({ format, stream, read }) => {
  test("in which no word could become a match passes byte for byte, however it is cut", () => {
    const whole = stream(
      '! The harbour was quiet, the light was grey. Nobody spoke;\nthey "looked" over the water. '.repeat(5),
    );
    const rails = createStreamRails({ format, scanners: [secretsScanner("redact")] });
    expect(rails.push(whole).out).toBe(whole);
    for (const length of [1, 7, 100, 1000])
      expect(run(format, cutBy(whole, [length]), [secretsScanner("redact")]).out).toBe(whole);
  });

  test("of ordinary prose has the same text, and nothing is held after most events", () => {
    const whole = stream(PROSE);
    const { out, record } = run(format, [whole]);
    expect(read(out)).toBe(PROSE);
    expect(record.verdict).toBe("allow");
    expect(record.held.piecesHeld).toBeLessThan(record.held.pieces / 2);
  });

  test("shows what was found as redacted, and the same bytes wherever the stream is cut", () => {
    const whole = stream(FOUND);
    const expected = run(format, [whole]);
    expect(read(expected.out)).toBe(SHOWN);
    expect(expected.out).not.toContain(GITHUB_KEY);
    expect(expected.out).not.toContain("jane.doe@example.com");
    expect(expected.record).toMatchObject({ verdict: "redact", reasons: ["pii:email", "secrets:github_token"] });
    expect(expected.record.findings.map(({ count }) => count)).toEqual([1, 1]);
    for (let at = 1; at < whole.length; at += 1)
      expect(run(format, [whole.slice(0, at), whole.slice(at)])).toEqual(expected);
    expect(run(format, whole.split(""))).toEqual(expected);
  });

  test("is ended as its protocol says when a rail blocks, and nothing comes after", () => {
    const rails = createStreamRails({ format, scanners: BLOCKING });
    const { out, blocked } = rails.push(stream(FOUND));
    expect(blocked).toEqual({ rail: "secrets", reasons: ["secrets:github_token"] });
    expect(read(out)).toBe("Ask jane.doe@example.com or use ");
    expect(out).not.toContain("ghp_");
    expect(rails.push(stream("more"))).toEqual({ out: "", blocked });
    expect(rails.end()).toEqual({ out: "", blocked });
    const whole = stream(FOUND);
    const expected = run(format, [whole], BLOCKING);
    for (let at = 1; at < whole.length; at += 7)
      expect(run(format, [whole.slice(0, at), whole.slice(at)], BLOCKING)).toEqual(expected);
  });
});

describe("the end of a blocked stream", () => {
  test("of chat gives every open choice the reason content_filter, then [DONE]", () => {
    const { out } = run("chat", [content("hi", 1), content(`${GITHUB_KEY} `)], BLOCKING);
    expect(out.endsWith(DONE)).toBe(true);
    expect(choicesOf(out).filter(({ finish_reason }) => finish_reason !== null)).toEqual([
      { index: 0, delta: {}, logprobs: null, finish_reason: "content_filter" },
      { index: 1, delta: {}, logprobs: null, finish_reason: "content_filter" },
    ]);
    expect(eventsOf(out).at(-1)).toMatchObject({ id: "c1", object: "chat.completion.chunk", model: "m" });
  });

  test("of messages stops the block and gives the reason refusal", () => {
    const { out } = run("anthropic", [anthropicStream(FOUND)], BLOCKING);
    expect(eventsOf(out).slice(-3)).toEqual([
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "refusal", stop_sequence: null }, usage: { output_tokens: 1 } },
      { type: "message_stop" },
    ]);
    expect(out).toContain("event: message_stop\n");
  });

  test("of responses says incomplete", () => {
    const { out } = run("responses", [responsesStream(FOUND)], BLOCKING);
    const last = eventsOf(out).at(-1);
    expect(last).toMatchObject({
      type: "response.incomplete",
      response: { id: "r1", status: "incomplete", incomplete_details: { reason: "content_filter" } },
    });
  });
});

describe("held text", () => {
  test("is sent before the finish reason, as an event of its own", () => {
    const { out } = run("chat", [content("my key is ghp_"), chunk({ delta: {}, finish_reason: "stop" }), DONE]);
    const choices = choicesOf(out);
    expect(choices.map(({ delta, finish_reason }) => [delta?.content, finish_reason])).toEqual([
      ["my key is ", null],
      ["ghp_", null],
      [undefined, "stop"],
    ]);
  });

  test("is sent with the finish reason when that event has text", () => {
    const { out } = run("chat", [
      content("mail jane.doe@exam"),
      chunk({ delta: { content: "ple.com" }, finish_reason: "stop" }),
      DONE,
    ]);
    expect(choicesOf(out).at(-1)).toMatchObject({ delta: { content: "[REDACTED:email]" }, finish_reason: "stop" });
  });

  test.each([
    ["[DONE]", DONE],
    ["an error", data({ error: { message: "gone", type: "server_error", param: null, code: null } })],
    ["the end of the bytes", ""],
  ])("is sent before %s", (_name, end) => {
    const { out } = run("chat", [content("my key is ghp_"), end]);
    expect(textOf(out)).toBe("my key is ghp_");
    expect(out.endsWith(end)).toBe(true);
  });

  test("of reasoning is sent before the content begins", () => {
    const { out } = run("chat", [chunk({ delta: { reasoning_content: "the number 12" } }), content("So: "), DONE]);
    expect(choicesOf(out).map(({ delta }) => delta?.reasoning_content ?? delta?.content)).toEqual([
      "the number ",
      "12",
      "So: ",
    ]);
  });

  test("that is put into a numbered stream moves the later numbers on", () => {
    const { out } = run("responses", [responsesStream("call 415 555 0132")]);
    const numbers = eventsOf(out).map((event) => event["sequence_number"]);
    expect(numbers).toEqual(numbers.map((_, index) => index));
    expect(deltasOf(out, "response.output_text.delta", "delta")).toBe("call [REDACTED:phone]");
  });
});

describe("whole texts that a stream repeats", () => {
  test("come out as their pieces did", () => {
    const { out } = run("responses", [responsesStream(FOUND)]);
    const [done, part, item, completed] = eventsOf(out).slice(-4);
    expect(done).toMatchObject({ text: SHOWN });
    expect(part).toMatchObject({ part: { text: SHOWN } });
    expect(item).toMatchObject({ item: { content: [{ text: SHOWN }] } });
    expect(completed).toMatchObject({ response: { output: [{ content: [{ text: SHOWN }] }] } });
  });

  test("are filtered and counted where no pieces came", () => {
    const item = { type: "message", content: [{ type: "output_text", text: FOUND }] };
    const { out, record } = run("responses", [named({ type: "response.completed", response: { output: [item] } })]);
    expect(eventsOf(out)[0]).toMatchObject({ response: { output: [{ content: [{ text: SHOWN }] }] } });
    expect(record.reasons).toEqual(["pii:email", "secrets:github_token"]);
  });
});

describe("arguments of tool calls", () => {
  test("of several calls side by side are told apart", () => {
    const { out } = run("chat", [
      argument('{"a":"ghp', 0),
      argument('{"b":"x', 1),
      argument(`_${GITHUB_KEY.slice(4)}"}`, 0),
      argument('"}', 1),
      DONE,
    ]);
    expect(argumentsOf(out, 0)).toBe('{"a":"[REDACTED:github_token]"}');
    expect(argumentsOf(out, 1)).toBe('{"b":"x"}');
  });

  test("may be of a kind, or at a place, that has no text", () => {
    const odd = { toString: [] };
    const events = [
      { type: odd, delta: "well " },
      { type: "response.output_text.delta", output_index: odd, delta: "call 415 555 0132" },
      { type: "response.output_text.done", output_index: odd, text: "call 415 555 0132" },
      { type: "response.completed" },
    ];
    const { out } = run("responses", [events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("")]);
    expect(out).toContain("[REDACTED:phone]");
    expect(out).not.toContain("555");
  });

  test("in content blocks and in responses are filtered too", () => {
    const delta = (text: string): string =>
      named({ type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: text } });
    const { out } = run("anthropic", [
      delta('{"k":"'),
      delta(GITHUB_KEY),
      delta('"}'),
      named({ type: "content_block_stop", index: 1 }),
    ]);
    expect(deltasOf(out, "content_block_delta", "partial_json")).toBe('{"k":"[REDACTED:github_token]"}');
    const type = "response.function_call_arguments";
    const events = [
      { type: `${type}.delta`, output_index: 0, delta: `{"k":"${GITHUB_KEY}` },
      { type: `${type}.delta`, output_index: 0, delta: '"}' },
      { type: `${type}.done`, output_index: 0, arguments: `{"k":"${GITHUB_KEY}"}` },
    ];
    const shown = eventsOf(run("responses", events.map(named)).out);
    expect(shown.at(-1)).toMatchObject({ arguments: '{"k":"[REDACTED:github_token]"}' });
  });
});

describe("what a stream is made of", () => {
  test("other members, comments, unknown events and usage pass as they are", () => {
    const odd = `: keep-alive\n\nretry: 10\n\ndata: not json\n\nevent: ping\ndata: {"type":"ping"}\n\n${data({ choices: [], usage: { total_tokens: 3 } })}`;
    expect(run("chat", [odd + DONE]).out).toBe(odd + DONE);
  });

  test.each(["\r\n", "\r"])("lines that end with %j are read too, wherever they are cut", (lineBreak) => {
    const whole = chatStream(FOUND).replaceAll("\n", lineBreak);
    const expected = run("chat", [whole]);
    expect(textOf(expected.out)).toBe(SHOWN);
    for (let at = 1; at < whole.length; at += 1)
      expect(run("chat", [whole.slice(0, at), whole.slice(at)]).out).toBe(expected.out);
  });

  test("tokens with probabilities lose them where the text changed", () => {
    const logprobs = { content: [{ token: GITHUB_KEY, logprob: 0 }] };
    const { out } = run("chat", [
      chunk({ delta: { content: `${GITHUB_KEY} ` }, logprobs }),
      chunk({ delta: { content: "ok" }, logprobs: { content: [{ token: "ok", logprob: 0 }] } }),
      DONE,
    ]);
    expect(out).not.toContain(GITHUB_KEY);
    expect(out).toContain('"token":"ok"');
  });

  test("an event that was cut off at the end is not sent, a last one without its blank line is", () => {
    expect(run("chat", [content("hi "), 'data: {"choices":[{"delta":{"content":"ghp_se']).out).toBe(content("hi "));
    expect(run("chat", [content("hi "), "data: [DONE]"]).out).toBe(`${content("hi ")}data: [DONE]`);
  });

  test("a byte order mark hides no event, wherever it stands", () => {
    const { out } = run("chat", [`\ufeff${content(`${GITHUB_KEY} `)}\ufeff${content(`${GITHUB_KEY} `)}${DONE}`]);
    expect(out).not.toContain(GITHUB_KEY);
  });

  test("events that vary around the text give the same text as events that do not", () => {
    const varied = tokens(FOUND)
      .map((token, index) => content(token).replace('"id":"c1"', `"id":"c${index}"`))
      .join("");
    expect(textOf(run("chat", [varied + DONE]).out)).toBe(SHOWN);
  });

  test("a long key is redacted once, and a block of another rail counts before later redactions", () => {
    const scanners = [secretsScanner("redact"), piiScanner("block")];
    const { out, blocked, record } = run(
      "chat",
      [chatStream(`${PROJECT_KEY} then jane.doe@example.com and ${GITHUB_KEY}`)],
      scanners,
    );
    expect(textOf(out)).toBe("[REDACTED:openai_key] then ");
    expect(blocked).toEqual({ rail: "pii", reasons: ["pii:email"] });
    expect(record.reasons).toEqual(["pii:email", "secrets:openai_key"]);
  });
});
