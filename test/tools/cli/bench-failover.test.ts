/** The failover benchmark's rules, its wall and its options; how the router does in it, no test asks. */
import { describe, expect, onTestFinished, test } from "vitest";
import { rawClient } from "../../../bench/failover-clients.ts";
import type { CallResult } from "../../../bench/failover-clients.ts";
import { ANSWER_WORDS, HEALTHY_MODEL, modelOf, SCENARIOS, TIMINGS } from "../../../bench/failover-scenarios.ts";
import { score } from "../../../bench/failover-score.ts";
import type { Seen } from "../../../bench/failover-score.ts";
import { startWall } from "../../../bench/failover-wall.ts";
import type { Attempt, Wall } from "../../../bench/failover-wall.ts";
import { readOptions } from "../../../bench/failover.ts";

const ANSWER = ANSWER_WORDS.join(" ");

function scenario(id: string) {
  const found = SCENARIOS.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no scenario ${id}`);
  return found;
}

const answered = { outcome: "answer", text: ANSWER, model: HEALTHY_MODEL, hasUsage: true, error: null } as const;
const refused = { outcome: "error", text: "", model: null, hasUsage: false, error: "502" } as const;
const at = (endpoint: Attempt["endpoint"], atS: number, did = "200"): Attempt => ({ endpoint, model: "m", atS, did });

function seen(result: Partial<CallResult>, attempts: readonly Attempt[], more: Partial<Seen> = {}): Seen {
  const sent = [{ ...answered, elapsedMs: 1_000, sentAtS: 0, ...result }];
  return { sent, attempts, alive: true, downS: 60, ...more };
}

describe("a verdict of the failover benchmark", () => {
  test.each([
    ["S01", "pass", "the same endpoint after Retry-After", seen({}, [at("first", 0, "429"), at("first", 2)])],
    ["S01", "partial", "another endpoint at once", seen({}, [at("first", 0, "429"), at("second", 0.1)])],
    [
      "S01",
      "fail",
      "a tight loop",
      seen(
        {},
        [0, 0.1, 0.2, 2].map((atS) => at("first", atS)),
      ),
    ],
    [
      "S02",
      "fail",
      "seven attempts",
      seen(
        {},
        [0, 4, 8, 12, 16, 20, 24].map((atS) => at("first", atS)),
      ),
    ],
    ["S04", "safe", "an error after few attempts", seen(refused, [at("first", 0, "503")])],
    ["S06", "fail", "an answer after the budget", seen({ elapsedMs: 101_000 }, [at("first", 0)])],
    ["S06", "partial", "the silent one asked twice", seen({}, [at("first", 0), at("first", 30), at("second", 60)])],
    ["S07", "partial", "an answer after 20 s", seen({ elapsedMs: 20_500 }, [at("first", 0)])],
    ["S07", "pass", "an answer from elsewhere in time", seen({ elapsedMs: 9_000 }, [at("first", 0), at("second", 8)])],
    ["S08", "fail", "half an answer that passes for whole", seen({ text: "Anyone can" }, [at("first", 0)])],
    ["S08", "safe", "half an answer and an error", seen({ ...refused, text: "Anyone can" }, [at("first", 0)])],
    ["S09", "fail", "a router that is dead afterwards", seen(refused, [at("first", 0)], { alive: false })],
    ["S12", "fail", "the same request again", seen(refused, [at("first", 0, "400"), at("first", 1, "400")])],
    ["S13", "pass", "the refusal handed on", seen(refused, [at("first", 0, "400")])],
    ["S13", "partial", "an answer around the refusal", seen({}, [at("first", 0, "400"), at("second", 0)])],
    ["S14", "fail", "the second endpoint's refusal", seen(refused, [at("first", 0), at("second", 1, "400")])],
    ["S16", "pass", "the second endpoint's model", seen({}, [at("first", 0, "503"), at("second", 0)])],
    ["S16", "fail", "the first one's name", seen({ model: "wall-s16" }, [at("first", 0, "503"), at("second", 0)])],
  ])("%s is %s for %s", (id, verdict, _, what) => {
    expect(score(scenario(id), what).verdict).toBe(verdict);
  });

  test("a hang is a failure, whatever else holds", () => {
    expect(score(scenario("S03"), seen({ outcome: "hang" }, [at("first", 0), at("first", 1)])).verdict).toBe("fail");
  });

  test("S15 wants every request of the outage served, and the first endpoint back within 30 s", () => {
    const both = (result: object) => [
      { ...answered, ...result, elapsedMs: 100, sentAtS: 4 },
      { ...answered, elapsedMs: 100, sentAtS: 76 },
    ];
    const back = [at("first", 4, "503"), at("second", 4), at("first", 90)];
    const verdict = (result: object, attempts: readonly Attempt[]) =>
      score(scenario("S15"), seen({}, attempts, { sent: both(result) })).verdict;
    expect(verdict({}, back)).toBe("pass");
    expect(verdict(refused, back)).toBe("fail");
    expect(verdict({}, [at("first", 4, "503"), at("first", 90.1)])).toBe("fail");
  });
});

describe("the wall", () => {
  async function open(): Promise<Wall> {
    const wall = await startWall({ ...TIMINGS.fast, firstTokenMs: 1, stallMs: 1, silenceMs: 1, tokenMs: 0 });
    onTestFinished(() => wall.close());
    return wall;
  }
  const ask = (url: string, id: string) =>
    rawClient({ url, key: "k", headers: {} }).ask({ model: modelOf(scenario(id)), stream: true, deadlineMs: 60_000 });

  test.each([
    ["S01", ["error", "answer"], ["429", "200"]],
    ["S02", ["error", "error"], ["429", "429"]],
    ["S03", ["error", "answer"], ["500", "200"]],
    ["S05", ["error", "answer"], ["reset", "200"]],
    ["S06", ["error"], ["silence"]],
    ["S07", ["answer"], ["slow-first-token"]],
    ["S08", ["error"], ["cut"]],
    ["S09", ["error"], ["stall"]],
    ["S10", ["answer"], ["malformed-event"]],
    ["S11", ["answer"], ["no-done"]],
    ["S12", ["error"], ["400"]],
    ["S13", ["error"], ["400"]],
    ["S15", ["error"], ["503"]],
  ])("does to %s what its scenario says", async (id, outcomes, did) => {
    const wall = await open();
    const results = [];
    for (const _ of outcomes) results.push(await ask(wall.firstUrl, id));
    expect(results.map(({ outcome }) => outcome)).toEqual(outcomes);
    expect(wall.attempts().map((attempt) => attempt.did)).toEqual(did);
    for (const { outcome, text } of results) if (outcome === "answer") expect(text).toBe(ANSWER);
  });

  test("the second endpoint answers what the first does not, and says who it is", async () => {
    const wall = await open();
    expect(await ask(wall.secondUrl, "S04")).toMatchObject({ outcome: "answer", text: ANSWER, model: HEALTHY_MODEL });
  });

  test("goes on where a prompt ends with the answer's beginning, but for the endpoint of S14", async () => {
    const wall = await open();
    const go = async (id: string) => {
      const begun = { role: "assistant", content: ANSWER_WORDS.slice(0, 40).join(" ") };
      const body = JSON.stringify({ model: modelOf(scenario(id)), messages: [begun] });
      const response = await fetch(`${wall.secondUrl}/v1/chat/completions`, { method: "POST", body });
      return response.ok
        ? ((await response.json()) as { choices: [{ message: { content: string } }] })
        : response.status;
    };
    expect(await go("S08")).toMatchObject({ choices: [{ message: { content: ANSWER_WORDS.slice(40).join(" ") } }] });
    expect(await go("S14")).toBe(400);
  });

  test("a scenario begins with an empty book", async () => {
    const wall = await open();
    await ask(wall.firstUrl, "S01");
    wall.begin();
    expect(wall.attempts()).toEqual([]);
    expect((await ask(wall.firstUrl, "S01")).outcome).toBe("error");
  });
});

describe("its options", () => {
  test("all scenarios and rows at the published timings, unless told otherwise", () => {
    expect(readOptions([])).toMatchObject({ profile: "full", scenarios: SCENARIOS, rows: ["raw", "node", "python"] });
    expect(readOptions(["--only", "S15,S01", "--fast", "--rows", "raw"])).toMatchObject({
      profile: "fast",
      scenarios: [{ id: "S01" }, { id: "S15" }],
      rows: ["raw"],
    });
  });

  test.each([
    [["--only", "S17"], /S01 to S16, not S17/],
    [["--rows", "curl"], /raw, node, python, not curl/],
  ])("%j is refused", (args, reason) => {
    expect(() => readOptions(args)).toThrow(reason);
  });
});
