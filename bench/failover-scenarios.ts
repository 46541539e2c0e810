/**
 * The sixteen ways in which the first endpoint misbehaves, and what is asked of whoever stands before it.
 *
 * Scenarios, timings, bounds and rules are those of Failover Bench, methodology v0.1
 * (https://github.com/failoverbench/failoverbench, scenarios/catalogue.yaml and METHODOLOGY.md); the code is our own.
 * There the fallback is a second model; here it is the second endpoint of the same pool.
 */

/** What the wall does to a request for a scenario's model at the first endpoint. */
export type Fault =
  | "429-once"
  | "429-always"
  | "500-once"
  | "503-always"
  | "reset-once"
  | "silence"
  | "slow-first-token"
  | "cut"
  | "stall"
  | "malformed-event"
  | "no-done"
  | "context-length"
  | "content-filter"
  | "flap";

/** `advisory`: failing it makes a rescue partial. `needsSecond`: only where the second endpoint was asked. */
export type Check = CheckRule & { readonly name: string; readonly advisory?: true; readonly needsSecond?: true };

type CheckRule =
  | { readonly kind: "firstAttemptsMin" | "firstAttemptsMax" | "firstAttemptsExactly"; readonly count: number }
  | { readonly kind: "gapMinS"; readonly seconds: number }
  | { readonly kind: "attemptsWithin"; readonly seconds: number; readonly count: number }
  | { readonly kind: "endsWithinS"; readonly seconds: number }
  | {
      readonly kind:
        | "complete"
        | "neverHalfAnAnswer"
        | "aliveAfter"
        | "usage"
        | "secondNamed"
        | "noPrefillRefusal"
        | "servedWhileDown";
    }
  | { readonly kind: "backWithinS"; readonly seconds: number };

export type Scenario = {
  readonly id: string;
  readonly title: string;
  readonly fault: Fault;
  /** A call without a result by then hangs, s. */
  readonly wallSMax: number;
  /** What a rescue is: S13 alone wants the refusal handed on. */
  readonly ideal: "answer" | "error";
  /** The second endpoint refuses a prompt that ends with the assistant's own words. */
  readonly secondRefusesPrefill?: true;
  /** Many requests, one after the other, in place of one. */
  readonly sequence?: true;
  readonly checks: readonly Check[];
};

const calls = (name: string, kind: "firstAttemptsMin" | "firstAttemptsMax" | "firstAttemptsExactly", count: number) =>
  ({ name, kind, count }) as const;
const six = calls("bounded attempts", "firstAttemptsMax", 6);
const notAgain = calls("not sent again", "firstAttemptsExactly", 1);
const whole = { name: "never half an answer", kind: "neverHalfAnAnswer" } as const;
const alive = { name: "alive after", kind: "aliveAfter" } as const;

const one = (id: string, title: string, fault: Fault, wallSMax: number, checks: readonly Check[]): Scenario => ({
  id,
  title,
  fault,
  wallSMax,
  ideal: "answer",
  checks,
});

export const SCENARIOS: readonly Scenario[] = [
  one("S01", "429 with Retry-After", "429-once", 20, [
    { ...calls("tried again", "firstAttemptsMin", 2), advisory: true },
    { name: "Retry-After kept", kind: "gapMinS", seconds: 1.8, advisory: true },
    { name: "no hammering", kind: "attemptsWithin", seconds: 1.5, count: 2 },
  ]),
  one("S02", "429 without Retry-After, always", "429-always", 40, [
    { name: "no hammering", kind: "attemptsWithin", seconds: 3, count: 4 },
    six,
  ]),
  one("S03", "500 once, then healthy", "500-once", 20, [
    { ...calls("tried again at the same", "firstAttemptsMin", 2), advisory: true },
  ]),
  one("S04", "503 always", "503-always", 40, [six]),
  one("S05", "reset before the headers", "reset-once", 20, []),
  one("S06", "no response at all", "silence", 130, [
    { name: "within budget", kind: "endsWithinS", seconds: 100 },
    { ...calls("the silent one not again", "firstAttemptsMax", 1), advisory: true },
  ]),
  one("S07", "slow first token", "slow-first-token", 60, [
    { name: "first-token limit", kind: "endsWithinS", seconds: 15, advisory: true },
  ]),
  one("S08", "stream cut mid-answer", "cut", 40, [whole]),
  one("S09", "stream stalls", "stall", 70, [{ name: "bounded", kind: "endsWithinS", seconds: 45 }, whole, alive]),
  one("S10", "malformed event in the stream", "malformed-event", 30, [
    alive,
    whole,
    { name: "recovered in place", kind: "complete", advisory: true },
  ]),
  one("S11", "stream ends without [DONE]", "no-done", 30, [
    { name: "ends promptly", kind: "endsWithinS", seconds: 8 },
    { name: "usage told", kind: "usage", advisory: true },
  ]),
  one("S12", "context length exceeded", "context-length", 20, [notAgain]),
  { ...one("S13", "content-filter refusal", "content-filter", 20, [notAgain]), ideal: "error" },
  {
    ...one("S14", "second endpoint refuses prefill", "cut", 40, [
      { name: "refusal not shown", kind: "noPrefillRefusal" },
      whole,
    ]),
    secondRefusesPrefill: true,
  },
  {
    ...one("S15", "down for a minute, then healthy", "flap", 30, [
      { name: "served while down", kind: "servedWhileDown" },
      { name: "back at the first", kind: "backWithinS", seconds: 30 },
    ]),
    sequence: true,
  },
  one("S16", "who answered is told", "503-always", 40, [
    { name: "the second is named", kind: "secondNamed", needsSecond: true },
    { name: "usage told", kind: "usage", advisory: true },
    six,
  ]),
];

export type Timings = {
  readonly retryAfterS: number;
  readonly firstTokenMs: number;
  readonly stallMs: number;
  readonly silenceMs: number;
  readonly downMs: number;
  readonly tokenMs: number;
  readonly sequence: { readonly count: number; readonly everyMs: number };
};

/** `full` is the published profile; `fast` is for work on the code, and its verdicts are compared with nobody's. */
export const TIMINGS: Readonly<Record<"full" | "fast", Timings>> = {
  full: {
    retryAfterS: 2,
    firstTokenMs: 20_000,
    stallMs: 30_000,
    silenceMs: 120_000,
    downMs: 60_000,
    tokenMs: 15,
    sequence: { count: 20, everyMs: 4_000 },
  },
  fast: {
    retryAfterS: 2,
    firstTokenMs: 3_000,
    stallMs: 4_000,
    silenceMs: 15_000,
    downMs: 6_000,
    tokenMs: 5,
    sequence: { count: 10, everyMs: 1_200 },
  },
};

/** The name by which a client asks for a scenario: one pool each, so that none begins with what another has learned. */
export const modelOf = (scenario: Scenario): string => `wall-${scenario.id.toLowerCase()}`;
/** What the second endpoint says it is, and the pool of the request that looks whether the router still lives. */
export const HEALTHY_MODEL = "wall-ok";

export const PROMPT = "Say in sixty words why a router is judged on the day when its endpoints fail.";
/** Sixty words, the same each time: half an answer is seen by comparison. */
export const ANSWER_WORDS: readonly string[] = (
  "Anyone can pass a request along while every machine behind the door is well and near and idle. " +
  "What a router is worth shows when one of them refuses, falls silent, breaks off or lies: " +
  "then the caller should notice nothing but a little delay, or be told plainly what happened, " +
  "once and in good time, without loops or riddles."
).split(" ");
export const CUT_AFTER = 40;
export const STALL_AFTER = 20;
export const MALFORMED_AT = 10;
