/** `onCut: "continue"`: endpoints that die in the midst of a stream, and a client that sees one whole answer. */
import { APIError } from "openai";
import type { ChatCompletionChunk } from "openai/resources/chat/completions";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { freshPlace, openaiOf } from "../support/openai.ts";
import { eventData, rawCall } from "../support/raw-client.ts";

/** A token at a time: what was sent before a death has arrived by then. */
const simulator = { engine: { ...ENGINE_PRESETS.fast, stepBaseMs: 3 } };
const TOKENS = 24;

let fleet: Fleet;
let plain: Fleet;
/** An undisturbed answer. */
let full: Buffer;

const planOf = (onCut: string) => ({
  endpoints: [
    { id: "us-a", region: "us-east" as const, simulator },
    { id: "eu-a", region: "eu-west" as const, simulator },
    { id: "ap-a", region: "ap-northeast" as const, simulator },
  ],
  pool: { patienceMs: 5_000, attemptsMax: 3, onCut },
});

beforeAll(async () => {
  [fleet, plain] = await Promise.all([startFleet(planOf("continue")), startFleet(planOf("error"))]);
  full = (await stream().answer).body;
});
afterAll(async () => {
  await fleet.close();
  await plain.close();
});

const request = (changes: Record<string, unknown> = {}) => ({
  model: fleet.model,
  stream: true,
  max_tokens: TOKENS,
  messages: [{ role: "user" as const, content: "x" }],
  ...changes,
});

const stream = (changes: Record<string, unknown> = {}, of: Fleet = fleet) =>
  rawCall(`${of.router.url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${of.key}`,
      "content-type": "application/json",
      "x-warmpath-place": freshPlace("us-east"),
    },
    body: JSON.stringify(request(changes)),
  });

const die = (id: string, bytes: number, of: Fleet = fleet, times: number | null = 1) =>
  of.simulator(id).setFault({ kind: "die_after_bytes", bytes, times });
/** Whoever is asked next. */
const dieAll = (bytes: number, of: Fleet = fleet, times: number | null = 1): void => {
  for (const id of of.simulators.keys()) die(id, bytes, of, times);
};
/** Whoever would be asked now, and nobody else: the same is asked again, since nothing has come between. */
async function cutNext(bytes: number): Promise<void> {
  const { headers } = await stream().answer;
  die(String(headers["x-warmpath-endpoint"]), bytes);
}
const reset = (of: Fleet = fleet) => {
  for (const one of of.simulators.values()) one.setFault({ kind: "none" });
};

const chunksOf = (body: Buffer): ChatCompletionChunk[] =>
  eventData(body)
    .filter((data) => data !== "[DONE]")
    .map((data) => JSON.parse(data) as ChatCompletionChunk);
const textOf = (body: Buffer): string =>
  chunksOf(body)
    .map(({ choices }) => choices?.[0]?.delta.content ?? "")
    .join("");
const hasError = (body: Buffer): boolean => chunksOf(body).some((chunk) => "error" in chunk);

/** Positions from behind the first token to the last byte but the end itself: every 97th. */
const positions = (): number[] => {
  const first = full.indexOf("\n\n", full.indexOf("\n\n") + 2) + 2;
  return Array.from({ length: Math.floor((full.length - first) / 97) }, (_, at) => first + at * 97);
};

/** All that is wrong with an answer that was continued; empty: nothing. */
function faultsOf(body: Buffer): readonly string[] {
  if (hasError(body)) return ["an error"];
  const chunks = chunksOf(body);
  const count = (is: (chunk: ChatCompletionChunk) => boolean): number => chunks.filter(is).length;
  return [
    textOf(body) === textOf(full) ? "" : `the text: ${textOf(body)}`,
    new Set(chunks.map(({ id, model, created }) => `${id} ${model} ${created}`)).size === 1 ? "" : "more than one id",
    count(({ choices }) => choices[0]?.delta.role !== undefined) === 1 ? "" : "more than one role",
    count(({ choices }) => choices[0]?.finish_reason === "length") === 1 ? "" : "more than one end",
    eventData(body).filter((data) => data === "[DONE]").length === 1 ? "" : "more than one [DONE]",
    eventData(body).at(-1) === "[DONE]" ? "" : "no [DONE] at its end",
  ].filter((fault) => fault !== "");
}

const wasContinued = (body: Buffer): boolean => body.includes("\n: continued at ");

test("two endpoints die under it, and a third goes on", async () => {
  // Each says some 220 bytes a token: 16 of them, then 5, and the third has the last 3.
  die("us-a", 4_000);
  die("eu-a", 1_400);
  die("ap-a", 1_400);
  const { body } = await stream().answer;
  expect(body.toString().match(/\n: continued at /g)).toHaveLength(2);
  expect(faultsOf(body)).toEqual([]);
  reset();
});

test("a stream that is cut at any place is one whole answer: one id, one role, no text lost or told again", async () => {
  const faults: unknown[] = [];
  let continued = 0;
  for (const at of positions()) {
    // One that died is dearer for a while: whoever is asked first by now is found by trying.
    for (const id of fleet.simulators.keys()) {
      reset();
      die(id, at);
      const { status, body, headers, whole } = await stream().answer;
      expect([status, whole, headers["x-warmpath-on-cut"]]).toEqual([200, true, "continue"]);
      faults.push(...faultsOf(body).map((fault) => [at, fault]));
      if (!wasContinued(body)) continue;
      continued += 1;
      break;
    }
  }
  expect(faults).toEqual([]);
  expect(continued).toBeGreaterThan(positions().length / 2);
  await fleet.until(fleet.liveLeases, (leases) => leases === 0);
});

describe("what the client is told", () => {
  test("usage is summed: the whole answer's tokens, and its own prompt", async () => {
    reset();
    const asked = { stream_options: { include_usage: true } };
    const uncut = chunksOf((await stream(asked).answer).body).find(({ usage }) => usage)?.usage;
    reset();
    await cutNext(positions()[12] ?? 0);
    const { body } = await stream(asked).answer;
    const told = chunksOf(body).filter(({ usage }) => usage);
    expect(told).toHaveLength(1);
    expect(told[0]?.usage?.completion_tokens).toBe(TOKENS);
    expect(told[0]?.usage?.total_tokens).toBe((told[0]?.usage?.prompt_tokens ?? 0) + TOKENS);
    // An engine counts the text so far as its tokenizer cuts it: near the prompt's own, and never below one.
    expect(told[0]?.usage?.prompt_tokens).toBeGreaterThanOrEqual(1);
    expect(uncut?.completion_tokens).toBe(TOKENS);
  });

  test("where each chunk tells its usage, the prompt's tokens are exact", async () => {
    reset();
    const asked = { stream_options: { include_usage: true, continuous_usage_stats: true } };
    const uncut = chunksOf((await stream(asked).answer).body).at(-1)?.usage;
    reset();
    await cutNext(2_000);
    const { body } = await stream(asked).answer;
    expect(hasError(body)).toBe(false);
    expect(chunksOf(body).at(-1)?.usage).toMatchObject({
      prompt_tokens: uncut?.prompt_tokens,
      completion_tokens: TOKENS,
      total_tokens: uncut?.total_tokens,
    });
  });

  test("the unmodified openai package sees one clean stream", async () => {
    reset();
    await cutNext(positions()[8] ?? 0);
    const client = openaiOf(fleet, { place: freshPlace("us-east") });
    let text = "";
    const ids = new Set<string>();
    for await (const chunk of await client.chat.completions.create({ ...request(), stream: true })) {
      ids.add(chunk.id);
      text += chunk.choices[0]?.delta.content ?? "";
    }
    expect([text, ids.size]).toEqual([textOf(full), 1]);
  });

  test("it is counted, and the request is one that was served", async () => {
    const continued = async () => {
      const text = await (await fleet.call("/metrics")).text();
      return /^warmpath_continuations_total\{pool="main",outcome="served"\} (\d+)/m.exec(text)?.[1] ?? "0";
    };
    await fleet.until(continued, (count) => Number(count) > 0);
  });
});

const FORBIDDEN: readonly (readonly [string, Record<string, unknown>])[] = [
  ["tools", { tools: [{ type: "function", function: { name: "f", parameters: {} } }] }],
  ["response_format", { response_format: { type: "json_object" } }],
  ["guided_json", { guided_json: {} }],
  ["logprobs", { logprobs: true }],
];

describe("it ends with today's error", () => {
  test.each(FORBIDDEN)("where %s forbids it, which the answer says", async (why, changes) => {
    reset();
    dieAll(positions()[6] ?? 0);
    const { body, headers } = await stream(changes).answer;
    expect(headers["x-warmpath-on-cut"]).toBe(`error;why="${why}"`);
    expect(hasError(body)).toBe(true);
    expect(eventData(body).at(-1)).toBe("[DONE]");
  });

  test("where the pool does not say so", async () => {
    reset(plain);
    dieAll(positions()[6] ?? 0, plain);
    const client = openaiOf(plain, { place: freshPlace("us-east") });
    const read = async () => {
      for await (const _ of await client.chat.completions.create({ ...request(), stream: true }));
    };
    await expect(read()).rejects.toBeInstanceOf(APIError);
  });

  test("where nobody else is left", async () => {
    reset();
    dieAll(900, fleet, null);
    const { body } = await stream().answer;
    expect(hasError(body)).toBe(true);
    expect(textOf(full).startsWith(textOf(body))).toBe(true);
    reset();
    await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  });
});
