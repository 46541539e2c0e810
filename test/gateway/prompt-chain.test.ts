import { describe, expect, test } from "vitest";
import { promptChain, VALUES_MAX } from "../../src/gateway/prompt-chain.ts";
import { hashKeyOf } from "../../src/lib/keyed-hash.ts";
import {
  ENDS_MAX,
  keptOf,
  MARK_CHARS_MAX,
  MARK_CHARS_MIN,
  soughtOf,
} from "../../src/routing/core/shard/prompt-chain.ts";
import type { PromptChain } from "../../src/routing/core/shard/prompt-chain.ts";

const SECRET = hashKeyOf("pepper of at least thirty-two characters");
const text = (chars: number, seed = "lorem "): string => seed.repeat(Math.ceil(chars / seed.length)).slice(0, chars);
const message = (content: unknown, role = "user") => ({ role, content });

function chainOf(body: Readonly<Record<string, unknown>>, tenant = "t", inputTokens = 10_000): PromptChain {
  return promptChain(SECRET, { tenant, body, inputTokens }) ?? { marks: [], ends: [] };
}
const ofMessages = (...messages: unknown[]) => chainOf({ messages });
/** Tokens that the second is thought to share with the first. */
const shared = (known: PromptChain, asked: PromptChain): number => {
  const kept = new Set(keptOf(known).map(({ key }) => key));
  return soughtOf(asked).find(({ key }) => kept.has(key))?.tokens ?? 0;
};

describe("two prompts", () => {
  const system = message(text(6_000), "system");

  test("of one conversation share the whole of the earlier one", () => {
    const turn = [system, message(text(3_333, "question "))];
    const next = [...turn, message(text(700, "answer "), "assistant"), message(text(555, "then "))];
    // With the roles, whose names are a part of what is read.
    expect(shared(ofMessages(...turn), ofMessages(...next))).toBe(
      Math.round((10_000 * (6_000 + 3_333 + 10)) / (6_000 + 3_333 + 700 + 555 + 23)),
    );
  });

  test("that begin alike share what they have in common, to within a third", () => {
    const one = ofMessages(system, message(text(9_000, "one ")));
    const other = ofMessages(system, message(text(9_000, "another ")));
    const common = (10_000 * 6_006) / 15_010;
    expect(shared(one, other)).toBeLessThanOrEqual(common);
    expect(shared(one, other)).toBeGreaterThan((common * 2) / 3);
  });

  test("that differ from the beginning share nothing, however long they are", () => {
    const of = (first: string) => ofMessages(message(first + text(50_000)));
    expect(shared(of("a"), of("b"))).toBe(0);
    expect(shared(of("a"), of("a"))).toBe(10_000);
  });

  test("of two tenants share nothing", () => {
    const body = { messages: [message(text(5_000))] };
    expect(shared(chainOf(body, "t"), chainOf(body, "u"))).toBe(0);
  });

  test("are the same wherever Anthropic's cache breakpoints are, and as text or as parts", () => {
    const parts = (cached: boolean) => [
      { type: "text", text: text(4_000), ...(cached ? { cache_control: { type: "ephemeral" } } : {}) },
    ];
    expect(ofMessages(message(parts(true)))).toEqual(ofMessages(message(parts(false))));
    expect(ofMessages(message(parts(true)))).toEqual(ofMessages(message(text(4_000))));
  });

  test("that differ in a tool's call or its result are not the same", () => {
    const call = (args: string) => ({
      role: "assistant",
      tool_calls: [{ id: "1", function: { name: "f", arguments: args } }],
    });
    const known = ofMessages(system, call("{}"));
    expect(shared(known, ofMessages(system, call("{}")))).toBe(10_000);
    expect(shared(known, ofMessages(system, call("[]")))).toBeLessThan(10_000);
  });
});

describe("a chain", () => {
  test("has marks at MARK_CHARS_MIN, and half as far or a third farther each time", () => {
    const chars = 8_192;
    const { marks } = chainOf({ prompt: text(chars) }, "t", chars);
    expect(marks.map(({ tokens }) => tokens / MARK_CHARS_MIN)).toEqual([1, 1.5, 2, 3, 4, 6, 8]);
  });

  test("is sought from its longest beginning to its shortest, each once", () => {
    const chain = ofMessages(...Array.from({ length: 30 }, (_, at) => message(text(500 + 37 * at, `m${at} `))));
    const sought = soughtOf(chain);
    expect(sought).toHaveLength(chain.marks.length + chain.ends.length);
    expect(sought).toEqual(sought.toSorted((one, other) => other.tokens - one.tokens));
    expect(new Set(sought)).toEqual(new Set([...chain.marks, ...chain.ends]));
  });

  test("of a shorter text is none", () => {
    expect(promptChain(SECRET, { tenant: "t", body: { prompt: text(MARK_CHARS_MIN - 1) }, inputTokens: 1 })).toBeNull();
    expect(chainOf({ prompt: text(MARK_CHARS_MIN) }).marks).toHaveLength(1);
    expect(
      promptChain(SECRET, { tenant: "t", body: { prompt: 7, messages: null, input: {} }, inputTokens: 1 }),
    ).toBeNull();
  });

  test("has 19 marks and ENDS_MAX ends at most, however long the prompt is", () => {
    const turns = Array.from({ length: 400 }, (_, at) => message(text(2_000, `turn ${at} `)));
    const { marks, ends } = ofMessages(...turns);
    expect(marks).toHaveLength(19);
    expect(ends).toHaveLength(ENDS_MAX);
    expect(marks.at(-1)?.tokens).toBe(Math.round((10_000 * MARK_CHARS_MAX) / (400 * 2_004)));
  });

  test("ends where it is hashed no more: there two prompts cannot be told apart", () => {
    const exactly = { prompt: text(MARK_CHARS_MAX) };
    expect(chainOf(exactly).ends).toHaveLength(1);
    expect(chainOf({ prompt: text(MARK_CHARS_MAX + 1) }).ends).toEqual([]);
  });

  test("looks at VALUES_MAX values and at no depth without end", () => {
    const many = (count: number) => [message(text(MARK_CHARS_MIN)), ...Array.from({ length: count }, () => "x")];
    // A message is three values: itself, its role and its content.
    expect(ofMessages(...many(VALUES_MAX - 4)).ends).toHaveLength(ENDS_MAX);
    expect(ofMessages(...many(VALUES_MAX)).ends.at(-1)?.tokens).toBeLessThanOrEqual(10_000);
    let nested: unknown = text(5_000);
    for (let depth = 0; depth < 5_000; depth++) nested = [nested];
    expect(ofMessages(nested).marks).toEqual([]);
  });
});
