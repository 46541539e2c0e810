import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  afterCut,
  continuedBody,
  CONTINUATIONS_MAX,
  CONTINUED_UNITS_MAX,
  createJoint,
  forbiddenBy,
  goOn,
  passPart,
} from "../../../src/dispatch/core/continuation.ts";
import type { Joint } from "../../../src/dispatch/core/continuation.ts";
import type { JsonObject } from "../../../src/lib/json-object.ts";
import { createSseDecoder, createSseSplitter, push, splitEvents } from "../../../src/lib/sse.ts";

const CHAT: JsonObject = { model: "m", stream: true, messages: [{ role: "user", content: "x" }] };
const COMPLETION: JsonObject = { model: "m", stream: true, prompt: "Once", max_tokens: 9 };

const event = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;
const DONE = "data: [DONE]\n\n";

type Protocol = Joint["protocol"];

const chunk = (protocol: Protocol, id: string, text: string | null, more: object = {}, finish: string | null = null) =>
  event({
    id,
    object: protocol === "chat" ? "chat.completion.chunk" : "text_completion",
    created: id.length,
    model: `of ${id}`,
    choices: [
      {
        index: 0,
        ...(protocol === "chat"
          ? { delta: { ...(text === null ? {} : { content: text }), ...more } }
          : { text: text ?? "" }),
        finish_reason: finish,
      },
    ],
  });

/** What an engine writes that has `tokens` to say: role, tokens, end, usage. */
function streamOf(protocol: Protocol, id: string, tokens: readonly string[], prompt: number): string {
  const usage = { prompt_tokens: prompt, completion_tokens: tokens.length, total_tokens: prompt + tokens.length };
  return [
    protocol === "chat" ? chunk(protocol, id, "", { role: "assistant" }) : "",
    ...tokens.map((token) => chunk(protocol, id, token)),
    chunk(protocol, id, null, {}, "stop"),
    event({ id, object: "o", created: 1, model: "m", choices: [], usage }),
    DONE,
  ].join("");
}

const partsOf = (text: string): readonly string[] => {
  const split = splitEvents(createSseSplitter(), text);
  return split.ok ? split.value : [];
};

type Chunk = {
  readonly id: string;
  readonly choices: readonly {
    delta?: { content?: string; role?: string };
    text?: string;
    finish_reason: string | null;
  }[];
  readonly usage?: Record<string, number>;
};

function readAll(text: string) {
  const events = push(createSseDecoder(), text);
  const data = (events.ok ? events.value : []).map((one) => one.data);
  const chunks = data.filter((one) => one !== "[DONE]").map((one) => JSON.parse(one) as Chunk);
  return {
    text: chunks.map(({ choices: [choice] }) => choice?.delta?.content ?? choice?.text ?? "").join(""),
    ids: new Set(chunks.map(({ id }) => id)).size,
    roles: chunks.filter(({ choices: [choice] }) => choice?.delta?.role !== undefined).length,
    ends: chunks.map(({ choices: [choice] }) => choice?.finish_reason).filter((end) => typeof end === "string"),
    usage: chunks.find(({ usage }) => usage !== undefined)?.usage,
    dones: data.filter((one) => one === "[DONE]").length,
  };
}

/** A model that says these tokens, whatever it is given of them; what a template trims of a beginning, it says anew. */
function goingOn(protocol: Protocol, tokens: readonly string[], body: JsonObject): readonly string[] {
  const messages = body["messages"] as readonly { role: string; content: string }[] | undefined;
  const last = messages?.at(-1);
  const begun =
    protocol === "chat"
      ? last?.role === "assistant"
        ? last.content
        : ""
      : String(body["prompt"]).slice("Once".length);
  const rest = tokens.join("").slice(begun.length);
  expect(tokens.join("").startsWith(begun)).toBe(true);
  return rest === "" ? [] : (rest.match(/\s*\S+|\s+/g) ?? []);
}

const token = fc.oneof(
  fc.constantFrom("the", " warm", " path", "\n\n", "  ", " ", "\t", "ü", " 🙂", "\n"),
  fc.string({ minLength: 1, maxLength: 5 }).filter((text) => text.isWellFormed()),
);

describe.each(["chat", "completions"] as const)("a stream of %s", (protocol) => {
  const body = protocol === "chat" ? CHAT : { ...COMPLETION, max_tokens: 1_000 };

  test("that is cut anywhere, up to as often as may be, is one answer: every text once, one id, one role, one end", () => {
    fc.assert(
      fc.property(
        fc.array(token, { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat(1_000), { maxLength: CONTINUATIONS_MAX }),
        (tokens, cuts) => {
          const joint = createJoint(protocol);
          let out = "";
          let rest: readonly string[] = tokens;
          let delivered = 0;
          for (const [nth, at] of [...cuts, 0].entries()) {
            const whole = streamOf(protocol, `answer-${nth}`, rest, 5 + delivered);
            const isLast = nth === cuts.length;
            // A byte before the end at the latest; what is not whole is never there.
            const cut = isLast ? whole : whole.slice(0, Math.floor((at / 1_000) * (whole.length - 1)));
            for (const part of partsOf(cut)) out += passPart(joint, part);
            if (joint.isDone) break;
            const next = afterCut(joint, body);
            if (next.kind === "finish") {
              out += next.events;
              break;
            }
            expect(next.kind).toBe("continue");
            if (next.kind !== "continue") break;
            delivered = next.tokens;
            const asked = continuedBody(body, joint, next.tokens, "flags");
            rest = goingOn(protocol, tokens, asked);
            goOn(joint, next.tokens);
          }
          const read = readAll(out);
          expect(read.text).toBe(tokens.join(""));
          expect(read.ids).toBe(1);
          if (protocol === "chat") expect(read.roles).toBe(1);
          expect(read.ends).toEqual(["stop"]);
          expect(read.dones).toBe(1);
          if (read.usage !== undefined)
            expect(read.usage["total_tokens"]).toBe(
              (read.usage["prompt_tokens"] ?? 0) + (read.usage["completion_tokens"] ?? 0),
            );
        },
      ),
      { numRuns: 500 },
    );
  });
});

function after(parts: readonly string[], protocol: Protocol = "chat"): Joint {
  const joint = createJoint(protocol);
  for (const part of parts) passPart(joint, part);
  return joint;
}

describe("what was delivered is taken off the request", () => {
  const joint = after(["a", " b", " c"].map((text) => chunk("chat", "i", text)));

  test("by one token for each event with text, where nothing is told", () => {
    expect(afterCut(joint, { ...CHAT, max_tokens: 9 })).toEqual({ kind: "continue", tokens: 3 });
    expect(continuedBody({ ...CHAT, max_tokens: 9, min_tokens: 2 }, joint, 3, "message")).toEqual({
      ...CHAT,
      max_tokens: 6,
      min_tokens: 0,
      messages: [
        { role: "user", content: "x" },
        { role: "assistant", content: "a b c" },
      ],
    });
  });

  test("by what the endpoint told, where it did", () => {
    const told = event({
      id: "i",
      choices: [{ index: 0, delta: { content: "a b" } }],
      usage: { completion_tokens: 7, prompt_tokens: 4 },
    });
    expect(afterCut(after([told]), CHAT)).toEqual({ kind: "continue", tokens: 7 });
  });

  test.each([
    [4, "continue"],
    [3, "finish"],
    [2, "finish"],
  ])("and at max_tokens %i the answer had its length or not: %s", (limit, kind) => {
    const next = afterCut(joint, { ...CHAT, max_tokens: limit });
    expect(next.kind).toBe(kind);
    if (next.kind === "finish") expect(readAll(next.events)).toMatchObject({ ends: ["length"], dones: 1, ids: 1 });
  });

  test("with the flags for engines that want them", () => {
    expect(continuedBody(CHAT, joint, 3, "flags")).toMatchObject({
      continue_final_message: true,
      add_generation_prompt: false,
    });
  });

  test("of a completion the text is behind the prompt", () => {
    const completion = after([chunk("completions", "i", " upon ")], "completions");
    expect(continuedBody(COMPLETION, completion, 1, "flags")).toEqual({
      ...COMPLETION,
      prompt: "Once upon ",
      max_tokens: 8,
    });
  });
});

test("usage is that of all: the last prompt without the text before it, and what was written in all", () => {
  const joint = after(["a", " b"].map((text) => chunk("chat", "i", text)));
  goOn(joint, 2);
  const usage = {
    prompt_tokens: 12,
    completion_tokens: 3,
    total_tokens: 15,
    prompt_tokens_details: { cached_tokens: 11 },
  };
  const told = readAll(passPart(joint, event({ id: "j", choices: [], usage }))).usage;
  expect(told).toEqual({
    prompt_tokens: 10,
    completion_tokens: 5,
    total_tokens: 15,
    prompt_tokens_details: { cached_tokens: 10 },
  });
  expect(joint.usage).toMatchObject({ promptTokens: 10, outputTokens: 5 });
});

describe("nobody goes on", () => {
  const delta = (members: object) => event({ id: "i", choices: [{ index: 0, delta: members }] });
  test.each([
    ["reasoning", delta({ reasoning_content: "hm" }), "reasoning_content"],
    ["a call of a tool", delta({ tool_calls: [{ index: 0 }] }), "tool_calls"],
    ["a refusal", delta({ refusal: "no" }), "refusal"],
    ["a second answer", event({ id: "i", choices: [{ index: 1, delta: { content: "b" } }] }), "choices"],
    [
      "log probabilities",
      event({ id: "i", choices: [{ index: 0, delta: { content: "b" }, logprobs: {} }] }),
      "logprobs",
    ],
    ["an error that is the client's", event({ error: { code: 400, message: "no" } }), "error"],
    ["what is no chunk", "data: {\n\n", "chunk"],
  ])("behind %s", (_, part, why) => {
    expect(afterCut(after([chunk("chat", "i", "a"), part]), CHAT)).toEqual({ kind: "fail", why });
  });

  test("behind more than CONTINUED_UNITS_MAX; at it somebody does", () => {
    const long = "x".repeat(CONTINUED_UNITS_MAX);
    expect(afterCut(after([chunk("chat", "i", long)]), CHAT).kind).toBe("continue");
    expect(afterCut(after([chunk("chat", "i", long), chunk("chat", "i", "x")]), CHAT).kind).toBe("fail");
  });

  test("more often than CONTINUATIONS_MAX", () => {
    const joint = after([chunk("chat", "i", "a")]);
    for (let times = 0; times < CONTINUATIONS_MAX; times += 1) {
      expect(afterCut(joint, CHAT).kind).toBe("continue");
      goOn(joint, 1);
      passPart(joint, chunk("chat", "j", " b"));
    }
    expect(afterCut(joint, CHAT)).toEqual({ kind: "fail", why: "again" });
  });

  test("with an answer that has ended: it gets its marker", () => {
    expect(afterCut(after([chunk("chat", "i", "a", {}, "stop")]), CHAT)).toEqual({ kind: "finish", events: DONE });
  });

  test("an endpoint's own error is gone on from, and is kept for when nobody does", () => {
    const part = event({ error: { code: 500, message: "engine dead" } });
    const joint = after([chunk("chat", "i", "a"), part, DONE]);
    expect(afterCut(joint, CHAT).kind).toBe("continue");
    expect([joint.error, joint.isDone]).toEqual([part, false]);
  });
});

test.each<[string, JsonObject, string | null]>([
  ["a plain request", {}, null],
  ["members that say nothing", { tools: [], n: 1, logprobs: false, response_format: { type: "text" } }, null],
  ["tools", { tools: [{}] }, "tools"],
  ["more than one answer", { n: 2 }, "n"],
  ["structured output", { response_format: { type: "json_schema" } }, "response_format"],
  ["a guided choice", { guided_choice: ["a"] }, "guided_choice"],
  ["logprobs of nought", { logprobs: 0 }, "logprobs"],
  ["sound", { modalities: ["text", "audio"] }, "modalities"],
  ["a beginning of the client's own", { messages: [{ role: "assistant", content: "a" }] }, "messages"],
  ["no stream", { stream: false }, "stream"],
])("of chat, %s", (_, changes, why) => {
  expect(forbiddenBy("chat", { ...CHAT, ...changes })).toBe(why);
});

test.each<[string, JsonObject, string | null]>([
  ["a plain request", {}, null],
  ["one prompt in a list", { prompt: ["a"] }, null],
  ["two prompts", { prompt: ["a", "b"] }, "prompt"],
  ["token ids", { prompt: [1, 2] }, "prompt"],
  ["no limit", { max_tokens: null }, "max_tokens"],
  ["an echo", { echo: true }, "echo"],
])("of completions, %s", (_, changes, why) => {
  expect(forbiddenBy("completions", { ...COMPLETION, ...changes })).toBe(why);
});

test("of another protocol nothing is gone on with", () => {
  expect([forbiddenBy("anthropic", CHAT), forbiddenBy(null, CHAT)]).toEqual(["protocol", "protocol"]);
});
