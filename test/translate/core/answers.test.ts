import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { endState } from "../../../src/dispatch/core/stream-end.ts";
import { toldStream, toldWhole } from "../../../src/translate/core/told.ts";
import { TRANSLATIONS } from "../../../src/translate/core/translations.ts";
import type { Spoken } from "../../../src/translate/core/translations.ts";
import { eventsIn, gatherMessage, gatherResponse } from "./gather.ts";

type Said = {
  readonly reasoning: readonly string[];
  readonly text: readonly string[];
  readonly calls: readonly { readonly id: string; readonly name: string; readonly args: readonly string[] }[];
  readonly finish: string;
  readonly usage: { readonly prompt: number; readonly cached: number; readonly output: number };
};

const pieces = fc.array(fc.string({ minLength: 1, maxLength: 8, unit: "binary" }), { maxLength: 4 });

/** A JSON object's text, cut anywhere. */
const cutObject = fc
  .tuple(
    fc.dictionary(
      fc.string({ maxLength: 4 }).filter((name) => name !== "__proto__"),
      fc.string({ maxLength: 8 }),
      { minKeys: 1, maxKeys: 3 },
    ),
    fc.nat(40),
  )
  .map(([value, at]) => {
    const text = JSON.stringify(value);
    return [text.slice(0, at), text.slice(at)].filter((piece) => piece !== "");
  });

const answers: fc.Arbitrary<Said> = fc
  .record({
    reasoning: pieces,
    text: pieces,
    calls: fc.array(fc.record({ id: fc.uuid(), name: fc.constantFrom("weather", "patch"), args: cutObject }), {
      maxLength: 3,
    }),
    finish: fc.constantFrom("stop", "length", "content_filter"),
    usage: fc.record({ prompt: fc.integer({ min: 100, max: 9_999 }), cached: fc.nat(100), output: fc.nat(9_999) }),
  })
  .map((said) => (said.calls.length > 0 ? { ...said, finish: "tool_calls" } : said));

const HEAD = { id: "chatcmpl-7", created: 1_700_000_000, model: "m" };

const usageOf = ({ usage: { prompt, cached, output } }: Said) => ({
  prompt_tokens: prompt,
  completion_tokens: output,
  total_tokens: prompt + output,
  prompt_tokens_details: { cached_tokens: cached },
});

/** As an engine writes it whole. */
const wholeOf = (said: Said) => ({
  ...HEAD,
  choices: [
    {
      index: 0,
      message: {
        role: "assistant",
        reasoning_content: said.reasoning.join(""),
        content: said.text.join(""),
        tool_calls: said.calls.map(({ id, name, args }) => ({
          id,
          type: "function",
          function: { name, arguments: args.join("") },
        })),
      },
      finish_reason: said.finish,
    },
  ],
  usage: usageOf(said),
});

/** The same as events, with what engines write beside them. */
function eventsOf(said: Said): string[] {
  const chunk = (delta: object, finish: string | null = null) => ({
    ...HEAD,
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const chunks = [
    chunk({ role: "assistant", content: "" }),
    ...said.reasoning.map((reasoning_content) => chunk({ reasoning_content })),
    ...said.text.map((content) => chunk({ content })),
    ...said.calls.flatMap(({ id, name, args }, index) => [
      chunk({ tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] }),
      ...args.map((piece) => chunk({ tool_calls: [{ index, function: { arguments: piece } }] })),
    ]),
    chunk({}, said.finish),
    { ...HEAD, choices: [], usage: usageOf(said) },
  ];
  return [...chunks.map((one) => `data: ${JSON.stringify(one)}\n\n`), "data: [DONE]\n\n"];
}

/** Pieces of a text, cut at any place. */
function cut(text: string, places: readonly number[]): string[] {
  const at = [
    0,
    ...places.map((place) => place % (text.length + 1)).toSorted((one, other) => one - other),
    text.length,
  ];
  return at.slice(1).map((end, index) => text.slice(at[index], end));
}

const BODY = {
  model: "m",
  tools: [
    { type: "custom", name: "patch" },
    { type: "function", name: "weather" },
  ],
};

const backOf = (spoken: Spoken) => TRANSLATIONS[spoken].back(BODY, { messages: [] });

function told(spoken: Spoken, parts: readonly string[]): string {
  const run = toldStream(backOf(spoken).stream());
  return parts.map((part) => run.push(part)).join("") + run.end();
}

const wholeTold = (spoken: Spoken, said: Said) => toldWhole(TRANSLATIONS[spoken], backOf(spoken), 200, wholeOf(said));

const PROTOCOLS = [
  ["messages", gatherMessage, "anthropic"],
  ["responses", gatherResponse, "responses"],
] as const;

describe.each(PROTOCOLS)("%s", (spoken, gather, protocol) => {
  test("of a stream are the answer that they are when it comes whole", () => {
    fc.assert(
      fc.property(answers, (said) => {
        const gathered = gather(told(spoken, eventsOf(said)));
        expect(gathered).toEqual(wholeTold(spoken, said));
      }),
    );
  });

  test("are the same events however the stream was cut into pieces, comments and line ends as they may be", () => {
    const places = fc.array(fc.nat(10_000), { maxLength: 12 });
    fc.assert(
      fc.property(answers, places, fc.constantFrom("\n", "\r\n", "\r"), (said, at, lineEnd) => {
        const text = ["\uFEFF: hello\n\n", ...eventsOf(said)].join("").replaceAll("\n", lineEnd);
        expect(told(spoken, cut(text, at))).toBe(told(spoken, [text]));
        expect(told(spoken, [text])).toBe(`:\n\n${told(spoken, eventsOf(said))}`);
      }),
    );
  });

  test("have no end where the stream was cut before its own, and end with the error that is written behind it", () => {
    const error = `\n\ndata: ${JSON.stringify({ error: { message: "The answer broke off.", code: "upstream_cut" } })}\n\ndata: [DONE]\n\n`;
    fc.assert(
      fc.property(answers, fc.nat(10_000), (said, place) => {
        const events = eventsOf(said);
        // Behind its finish an answer is whole.
        const open = events.slice(0, -3).join("");
        const half = open.slice(0, place % (open.length + 1));
        const text = told(spoken, [half]);
        expect(endState({ protocol, text, isCut: false })).not.toBe("done");
        const ended = eventsIn(told(spoken, [half, error]));
        expect(ended.at(-1)).toMatchObject({ type: "error" });
        expect(JSON.stringify(ended.at(-1))).toContain("The answer broke off.");
      }),
    );
  });

  test("are whole where the stream was cut behind the model's own end", () => {
    fc.assert(
      fc.property(answers, (said) => {
        const events = eventsOf(said);
        for (const end of [-2, -1]) {
          const text = told(spoken, events.slice(0, end));
          expect(endState({ protocol, text, isCut: false })).toBe("done");
        }
      }),
    );
  });

  test("of two calls that are written at once are an error", () => {
    const call = (index: number, more: object) =>
      `data: ${JSON.stringify({ ...HEAD, choices: [{ index: 0, delta: { tool_calls: [{ index, ...more }] } }] })}\n\n`;
    const begun = (index: number) => call(index, { id: `c${index}`, function: { name: "weather", arguments: "{" } });
    const text = told(spoken, [begun(0), begun(1), call(0, { function: { arguments: "}" } })]);
    expect(eventsIn(text).at(-1)).toMatchObject({ type: "error" });
  });
});

test("what an engine has counted by the first piece stands in message_start; what it has not is thought", () => {
  const said: Said = {
    reasoning: [],
    text: ["x"],
    calls: [],
    finish: "stop",
    usage: { prompt: 500, cached: 100, output: 1 },
  };
  const [role = "", first = "", ...rest] = eventsOf(said);
  const counted = `data: ${JSON.stringify({ ...(JSON.parse(role.slice(6)) as object), usage: usageOf(said) })}\n\n`;
  const usageIn = (text: string) => (eventsIn(text)[0]?.["message"] as { usage: unknown } | undefined)?.usage;
  const known = { input_tokens: 400, cache_read_input_tokens: 100, cache_creation_input_tokens: 0 };
  expect(usageIn(told("messages", [counted, first, ...rest]))).toMatchObject(known);
  const { messages } = TRANSLATIONS;
  const chat = { messages: [{ role: "user", content: "word ".repeat(40) }] };
  const run = toldStream(messages.back({}, chat).stream());
  expect(usageIn(run.push([role, first].join("")))).toMatchObject({ input_tokens: 50 });
});

test.each([
  [
    "messages",
    429,
    { error: { message: "full", code: 429 } },
    { type: "error", error: { type: "rate_limit_error", message: "full" } },
  ],
  [
    "messages",
    500,
    { error: "out of memory" },
    { type: "error", error: { type: "api_error", message: "out of memory" } },
  ],
  [
    "messages",
    404,
    { object: "error", message: "no such model" },
    { type: "error", error: { type: "not_found_error" } },
  ],
  [
    "responses",
    400,
    { error: { message: "bad", code: "bad_value" } },
    { error: { message: "bad", code: "bad_value" } },
  ],
  ["responses", 502, { page: true }, { error: { type: "server_error", message: "The endpoint answered 502." } }],
] as const)("an error of an engine is told in the form of %s: %i", (spoken, status, body, said) => {
  expect(toldWhole(TRANSLATIONS[spoken], backOf(spoken), status, body)).toMatchObject(said);
});

test.each(["messages", "responses", "count"] as const)("what is no answer is told as none: %s", (spoken) => {
  expect(toldWhole(TRANSLATIONS[spoken], backOf(spoken), 200, { choices: [] })).toBeNull();
});
