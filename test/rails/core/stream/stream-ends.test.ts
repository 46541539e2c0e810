/** How an answer ends: a block at its last event, rails over whole texts, what broke off, and data that is put back. */
import { describe, expect, test } from "vitest";
import { redactAnswer } from "../../../../src/rails/core/stream/answer-redact.ts";
import { createStreamRails } from "../../../../src/rails/core/stream/stream-rails.ts";
import type { StreamRailsOptions } from "../../../../src/rails/core/stream/stream-rails.ts";
import { NO_ORIGINALS, originalsOf } from "../../../../src/rails/core/stream/stream-restore.ts";
import { secretsScanner } from "../../../../src/rails/detectors/secrets/stream-secrets.ts";
import { topicsScanner } from "../../../../src/rails/detectors/topics/stream-topics.ts";
import { checkWhole, createWholeText, WHOLE_CHARS_MAX } from "../../../../src/rails/core/stream/stream-whole.ts";
import type { WholeRail } from "../../../../src/rails/core/stream/stream-whole.ts";
import { createTally, recordOf } from "../../../../src/rails/core/stream/stream-record.ts";
import { GITHUB_KEY } from "./stream-support.ts";

const redacting = [secretsScanner("redact")];
const blocking = [topicsScanner("block", { topics: { rivals: ["acme"] } })];

function run(options: StreamRailsOptions, sse: string): string {
  const rails = createStreamRails(options);
  const { out } = rails.push(sse);
  return out + rails.end().out;
}

const event = (data: unknown, name = ""): string =>
  `${name === "" ? "" : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;
const chat = (content: string, finish_reason: string | null = null): string =>
  event({ id: "c", choices: [{ index: 0, delta: { content }, finish_reason }] });

describe("a block in the event that would have ended a text", () => {
  test("still ends the choice, as filtered", () => {
    const out = run({ format: "chat", scanners: blocking }, chat("buy acme", "stop") + "data: [DONE]\n\n");
    expect(out).toContain('"finish_reason":"content_filter"');
    expect(out).not.toContain("acme");
    expect(out.endsWith("data: [DONE]\n\n")).toBe(true);
  });

  test("still closes the block of a message", () => {
    const sse =
      event(
        { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
        "content_block_start",
      ) +
      event(
        { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "buy acme" } },
        "content_block_delta",
      ) +
      event({ type: "content_block_stop", index: 0 }, "content_block_stop");
    const out = run({ format: "anthropic", scanners: blocking }, sse);
    expect(out.match(/^event: .*$/gm)?.slice(-3)).toEqual([
      "event: content_block_stop",
      "event: message_delta",
      "event: message_stop",
    ]);
  });

  test("does not repeat the text of a response that was not shown", () => {
    const response = {
      id: "r",
      output: [{ type: "message", content: [{ type: "output_text", text: "buy acme" }] }],
      output_text: "buy acme",
    };
    const out = run(
      { format: "responses", scanners: blocking },
      event({ type: "response.completed", response }, "response.completed"),
    );
    expect(out).toContain('"reason":"content_filter"');
    expect(out).toContain('"id":"r"');
    expect(out).not.toContain("acme");
  });
});

describe("data that is no JSON object", () => {
  test("is dropped where it is the beginning of one: nobody can look at it, and nobody can use it", () => {
    const half = chat(`the key is ${GITHUB_KEY}`).slice(0, -12);
    const out = run(
      { format: "chat", scanners: redacting },
      `${chat("fine ")}${half}\n\ndata: {"error":{"code":"upstream_cut"}}\n\n`,
    );
    expect(out).toBe(`${chat("fine ")}data: {"error":{"code":"upstream_cut"}}\n\n`);
  });

  test.each(["ping", "[]", "12", `"x"`])("passes as it is when there is nothing in it: %s", (data) => {
    expect(run({ format: "chat", scanners: redacting }, `event: x\ndata: ${data}\n\n`)).toBe(
      `event: x\ndata: ${data}\n\n`,
    );
  });

  test("is redacted as a text", () => {
    const out = run({ format: "chat", scanners: redacting }, `id: 1\ndata: key ${GITHUB_KEY}\ndata: and more\n\n`);
    expect(out).toBe("id: 1\ndata: key [REDACTED:github_token]\ndata: and more\n\n");
  });
});

const json: WholeRail = {
  rail: "schema",
  action: "block",
  onlyAnswers: true,
  find: (text) => (text.startsWith("{") ? [] : ["json"]),
};
const watch: WholeRail = {
  rail: "watch",
  action: "flag",
  onlyAnswers: false,
  find: (text) => (text.includes("odd") ? ["odd", "odd"] : []),
};

describe("a rail over whole texts", () => {
  test("lets a text pass as it comes and ends the answer as filtered", () => {
    const out = run(
      { format: "chat", scanners: [], wholes: [json] },
      chat("no ") + chat("json") + chat("", "stop") + "data: [DONE]\n\n",
    );
    expect(out.startsWith(chat("no ") + chat("json"))).toBe(true);
    expect(out.match(/"finish_reason":"[a-z_]+"/g)).toEqual(['"finish_reason":"content_filter"']);
  });

  test("says nothing of an answer that broke off", () => {
    const cut = `${chat("no json")}data: {"error":{"code":"upstream_cut"}}\n\ndata: [DONE]\n\n`;
    expect(run({ format: "chat", scanners: [], wholes: [watch] }, cut)).toBe(cut);
  });

  test("does not read reasoning and tool calls where it is for answers only", () => {
    const delta = { reasoning_content: "hm", tool_calls: [{ index: 0, function: { arguments: "[1]" } }] };
    const sse = event({ choices: [{ index: 0, delta, finish_reason: "tool_calls" }] });
    expect(run({ format: "chat", scanners: [], wholes: [json] }, sse)).toBe(sse);
    const message = { content: "{}", reasoning: "hm", tool_calls: [{ function: { arguments: "[1]" } }] };
    expect(redactAnswer({ choices: [{ message }] }, { format: "chat", scanners: [], wholes: [json] }).blocked).toBe(
      null,
    );
  });

  test("blocks an answer that is there as a whole", () => {
    const body = { choices: [{ message: { content: "no json" } }] };
    const { blocked } = redactAnswer(body, { format: "chat", scanners: [], wholes: [json] });
    expect(blocked).toEqual({ rail: "schema", reasons: ["schema:json"] });
  });

  test("counts what it flags, and ends nothing", () => {
    const tally = createTally();
    const text = createWholeText([watch], tally);
    text.push("o");
    text.push("dd");
    expect([text.end(), text.end()]).toEqual([null, null]);
    expect(recordOf(tally)).toMatchObject({ verdict: "flag", findings: [{ rail: "watch", type: "odd", count: 2 }] });
    expect(checkWhole([json], "", tally)).toBe(null);
  });

  test.each([
    [WHOLE_CHARS_MAX, WHOLE_CHARS_MAX],
    [WHOLE_CHARS_MAX + 5, WHOLE_CHARS_MAX + 1],
  ])("is given at most one character beyond the bound: of %i, %i", (chars, given) => {
    let seen = -1;
    const rail: WholeRail = { ...watch, find: (text) => ((seen = text.length), []) };
    const text = createWholeText([rail], createTally());
    text.push("x".repeat(chars - 3));
    text.push("xxx");
    text.end();
    expect(seen).toBe(given);
  });
});

describe("data that is put back", () => {
  const originals = originalsOf(new Map([["[EMAIL_1]", 'a"b@example.com']]));

  test("is written as JSON inside of arguments, in streams and whole answers", () => {
    const call = (text: string) =>
      event({ choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: text } }] } }] });
    const out = run({ format: "chat", scanners: redacting, originals }, call('{"to":"[EM') + call('AIL_1]"}'));
    const pieces = [...out.matchAll(/^data: (.*)$/gm)].map(
      ([, data = ""]) =>
        JSON.parse(data) as { choices: { delta: { tool_calls: { function: { arguments: string } }[] } }[] },
    );
    const written = pieces.map(({ choices }) => choices[0]?.delta.tool_calls[0]?.function.arguments ?? "").join("");
    expect(JSON.parse(written)).toEqual({ to: 'a"b@example.com' });
    const body = {
      content: [
        { type: "tool_use", input: { to: "[EMAIL_1]" } },
        { type: "text", text: "to [EMAIL_1]" },
      ],
    };
    expect(redactAnswer(body, { format: "anthropic", scanners: [], originals }).body).toEqual({
      content: [
        { type: "tool_use", input: { to: 'a"b@example.com' } },
        { type: "text", text: 'to a"b@example.com' },
      ],
    });
  });

  test("needs nothing where there is none", () => {
    expect(originalsOf(new Map())).toBe(NO_ORIGINALS);
  });
});
