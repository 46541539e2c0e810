import { describe, expect, test } from "vitest";
import { llamaSlots, RANKS_MAX, sglangGetLoad, sglangLoads } from "../../../backends/engines/loads.ts";

const rank = (changes: object = {}) => ({
  dp_rank: 0,
  num_running_reqs: 4,
  num_waiting_reqs: 2,
  num_waiting_uncached_tokens: 9_000,
  num_used_tokens: 20_000,
  max_total_num_tokens: 300_000,
  token_usage: 0.07,
  gen_throughput: 812.5,
  ...changes,
});
const loads = (...ranks: unknown[]) => sglangLoads(JSON.stringify({ timestamp: "t", version: "0.5.16", loads: ranks }));

describe("SGLang's /v1/loads", () => {
  const one = {
    runningRequests: 4,
    waitingRequests: 2,
    waitingTokens: 9_000,
    kvTokensMax: 300_000,
    kvTokensUsed: 20_000,
  };

  test("tells the tokens that wait", () => {
    expect(loads(rank())).toEqual(one);
  });

  test("tells what was read, and how long it took: by ranks that read at the same time", () => {
    const read = (tokens: number, busyUs: number) =>
      rank({ total_prefill_uncached_tokens: tokens, total_prefill_busy_us: busyUs });
    expect(loads(read(5_000, 400_000))).toEqual({ ...one, readTokensTotal: 5_000, readBusyMsTotal: 400 });
    expect(loads(read(5_000, 400_000), read(7_000, 600_000))).toMatchObject({
      readTokensTotal: 12_000,
      readBusyMsTotal: 500,
    });
  });

  test("adds up ranks, and does not tell what one of them lacks", () => {
    expect(loads(rank(), rank({ num_waiting_uncached_tokens: undefined }))).toEqual({
      runningRequests: 8,
      waitingRequests: 4,
      kvTokensMax: 600_000,
      kvTokensUsed: 40_000,
    });
  });

  test("of an engine that is not ready says nothing of its size", () => {
    expect(loads(rank({ max_total_num_tokens: 0 }))).not.toHaveProperty("kvTokensMax");
  });

  test("of more ranks than RANKS_MAX is not read", () => {
    const ranks = (count: number) => Array.from({ length: count }, () => rank());
    expect(loads(...ranks(RANKS_MAX))).not.toBeNull();
    expect(loads(...ranks(RANKS_MAX + 1))).toBeNull();
  });
});

test("SGLang's older /get_load counts what waits among its requests", () => {
  const text = JSON.stringify([{ dp_rank: 0, num_reqs: 7, num_waiting_reqs: 3, num_tokens: 4_000 }]);
  expect(sglangGetLoad(text)).toEqual({ runningRequests: 4, waitingRequests: 3 });
});

test("llama.cpp's /slots tells who is at work, and not who waits", () => {
  const slots = [true, false, true].map((is_processing, id) => ({ id, n_ctx: 2_048, is_processing, params: {} }));
  expect(llamaSlots(JSON.stringify(slots))).toEqual({ runningRequests: 2 });
});

test.each([
  "",
  "null",
  "[]",
  "{}",
  "7",
  `"x"`,
  "[null]",
  "[[]]",
  `{"loads":[]}`,
  `{"loads":[7]}`,
  `{"loads":{}}`,
  `[{}]`,
])("the body %j is no engine's word", (body) => {
  for (const read of [sglangLoads, sglangGetLoad, llamaSlots]) expect(read(body)).toBeNull();
});

test.each(["null", `"4"`, "-1", "1e13", "true"])("a figure that is %s is not told", (value) => {
  const text = `{"loads":[{"num_running_reqs":${value},"num_waiting_reqs":1}]}`;
  expect(sglangLoads(text)).toEqual({ waitingRequests: 1 });
});
