/** What the panel "Try it" makes of answers, whole, streamed, broken off and refused. */
import { describe, expect, test } from "vitest";
import type { TryRequest } from "../../dashboard/try/code.ts";
import { ANSWER_CHARS_MAX, routeOf, runTry, type TryState } from "../../dashboard/try/run.ts";

const request: TryRequest = { origin: "http://x", model: "m", prompt: "hello", stream: true, maxTokens: 8 };

const EVENTS = { "content-type": "text/event-stream; charset=utf-8" };
const chunk = (content: string): string => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;

/** The states of one request, answered by `answer`. */
async function states(answer: (signal: AbortSignal) => Response, abort = new AbortController()): Promise<TryState[]> {
  const told: TryState[] = [];
  let now = 0;
  const ports = {
    fetch: async (_path: string, { signal }: RequestInit) => answer(signal ?? abort.signal),
    headers: () => ({ "x-warmpath-csrf": "t" }),
    now: () => (now += 10),
  };
  await runTry(request, abort.signal, ports, (state) => told.push(state));
  return told;
}

/** Cut after so many bytes. */
const streamOf = (events: readonly string[], cut = 0): Response => {
  const bytes = new TextEncoder().encode(events.join(""));
  const body = new ReadableStream({
    start(controller) {
      for (const piece of [bytes.slice(0, cut), bytes.slice(cut)]) controller.enqueue(piece);
      controller.close();
    },
  });
  return new Response(body, { headers: EVENTS });
};

describe("a streamed answer", () => {
  test("grows with every piece, however it was cut", async () => {
    const events = [chunk("Hel"), chunk("lo 🙂"), "data: [DONE]\n\n"];
    for (let cut = 0; cut < events.join("").length; cut++) {
      const told = await states(() => streamOf(events, cut));
      expect(told.at(0)?.phase).toBe("waiting");
      expect(told.at(-1)).toMatchObject({ phase: "done", text: "Hello 🙂", problem: null });
    }
  });

  test("the tokens are those that the endpoint counted", async () => {
    const usage = `data: ${JSON.stringify({ choices: [], usage: { completion_tokens: 7 } })}\n\n`;
    const told = await states(() => streamOf([chunk("a"), usage, "data: [DONE]\n\n"]));
    expect(told.at(-1)).toMatchObject({ tokensOut: 7, text: "a" });
  });

  test("without its end it is told as broken off, and what came stays", async () => {
    const told = await states(() => streamOf([chunk("half")]));
    expect(told.at(-1)).toMatchObject({ phase: "failed", text: "half", problem: "The answer ended in the middle." });
  });

  test("an error in the middle is told in the router's words", async () => {
    const error = `data: ${JSON.stringify({ error: { message: "The endpoint was lost." } })}\n\n`;
    const told = await states(() => streamOf([chunk("half"), error, "data: [DONE]\n\n"]));
    expect(told.at(-1)).toMatchObject({ phase: "failed", text: "half", problem: "The endpoint was lost." });
  });

  test.each([
    [ANSWER_CHARS_MAX, 0],
    [ANSWER_CHARS_MAX + 1, 1],
  ])("of %d characters %d are left out", async (length, leftOut) => {
    const told = await states(() => streamOf([chunk("x".repeat(length)), "data: [DONE]\n\n"]));
    expect(told.at(-1)).toMatchObject({ phase: "done", leftOut });
    expect(told.at(-1)?.text).toHaveLength(ANSWER_CHARS_MAX);
  });
});

test("a whole answer", async () => {
  const body = { choices: [{ message: { content: "<b>hi</b>" } }], usage: { completion_tokens: 3 } };
  const told = await states(() => Response.json(body));
  expect(told.at(-1)).toMatchObject({ phase: "done", text: "<b>hi</b>", tokensOut: 3, status: 200 });
});

test.each([
  ["the router's words", { error: { message: "No pool has this model." } }, "No pool has this model."],
  ["a sentence of our own", { nothing: true }, "The router answered 503."],
])("a refusal is told by %s", async (_, body, problem) => {
  const told = await states(() => Response.json(body, { status: 503 }));
  expect(told.at(-1)).toMatchObject({ phase: "failed", status: 503, problem });
});

test("who stops it hears of no failure", async () => {
  const abort = new AbortController();
  const told = await states(() => {
    abort.abort();
    throw new DOMException("aborted", "AbortError");
  }, abort);
  expect(told.at(-1)).toMatchObject({ phase: "stopped", problem: null });
});

test("a connection that breaks is told", async () => {
  const told = await states(() => {
    throw new TypeError("failed to fetch");
  });
  expect(told.at(-1)).toMatchObject({ phase: "failed", problem: "The connection to the router broke off." });
});

describe("the route of an answer", () => {
  test("is what the router's headers say", () => {
    const decision = { candidates: [{ endpoint: "a", region: "r", ms: 12.5, why: "chosen" }, { endpoint: 1 }] };
    const headers = new Headers({
      "x-request-id": "req_1",
      "x-warmpath-endpoint": "a",
      "x-warmpath-reason": "nearest_warm",
      "x-warmpath-rails": "size=allow;0, hook=rail_error;250;timeout",
      "x-warmpath-decision": JSON.stringify(decision),
    });
    expect(routeOf(headers)).toEqual({
      requestId: "req_1",
      endpoint: "a",
      region: null,
      reason: "nearest_warm",
      attempts: null,
      overheadMs: null,
      rails: [
        { rail: "size", said: "allow", ms: "0" },
        { rail: "hook", said: "rail_error", ms: "250" },
      ],
      candidates: [{ endpoint: "a", region: "r", ms: 12.5, why: "chosen" }],
    });
  });

  test.each(["", "null", "{", '{"candidates":{}}', '{"candidates":[null]}'])(
    "of a decision %j it keeps none",
    (text) => {
      expect(routeOf(new Headers({ "x-warmpath-decision": text })).candidates).toEqual([]);
    },
  );
});
