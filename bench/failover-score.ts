/**
 * What a scenario's result is worth, by the published rules:
 *
 * - pass: the caller got the whole answer (S13: the refusal), and every check holds;
 * - partial: the same, but an advisory check does not hold; or S13 was answered around the refusal;
 * - safe: not rescued, but an error in good time, and every check that is not advisory holds;
 * - fail: a hang, half an answer that passes for whole, or a check that does not hold.
 *
 * Source: Failover Bench, METHODOLOGY.md v0.1 (https://github.com/failoverbench/failoverbench).
 */
import type { CallResult } from "./failover-clients.ts";
import { ANSWER_WORDS, HEALTHY_MODEL } from "./failover-scenarios.ts";
import type { Check, Scenario } from "./failover-scenarios.ts";
import type { Attempt } from "./failover-wall.ts";

export type Verdict = "pass" | "partial" | "safe" | "fail";

/** One request of a scenario; `sentAtS` since it began. */
export type Sent = CallResult & { readonly sentAtS: number };

export type Seen = {
  readonly sent: readonly Sent[];
  readonly attempts: readonly Attempt[];
  /** Was a healthy request served afterwards? */
  readonly alive: boolean;
  /** How long the first endpoint of S15 is down, s. */
  readonly downS: number;
};

export type Score = {
  readonly verdict: Verdict;
  /** The checks that do not hold. */
  readonly missed: readonly string[];
};

const ANSWER = ANSWER_WORDS.join(" ");
export const isWhole = (text: string): boolean => text.replaceAll(/\s+/g, " ").trim() === ANSWER;

export function score(scenario: Scenario, seen: Seen): Score {
  const { sent, attempts } = seen;
  const missed = scenario.checks.filter((check) => applies(check, attempts) && !holds(check, seen));
  const names = missed.map(({ name }) => name);
  if (sent.some(({ outcome }) => outcome === "hang")) return { verdict: "fail", missed: ["hang", ...names] };
  const answered = sent.filter(({ outcome }) => outcome === "answer");
  if (scenario.ideal === "answer" && answered.some(({ text }) => !isWhole(text))) {
    return { verdict: "fail", missed: ["half an answer that passes for whole", ...names] };
  }
  if (missed.some(({ advisory }) => advisory !== true)) return { verdict: "fail", missed: names };
  const asWished = sent.every(({ outcome }) => outcome === scenario.ideal);
  if (asWished) return { verdict: missed.length === 0 ? "pass" : "partial", missed: names };
  return { verdict: scenario.ideal === "error" ? "partial" : "safe", missed: names };
}

const applies = (check: Check, attempts: readonly Attempt[]): boolean =>
  check.needsSecond !== true || attempts.some(({ endpoint }) => endpoint === "second");

function holds(check: Check, { sent, attempts, alive, downS }: Seen): boolean {
  const first = attempts.filter(({ endpoint }) => endpoint === "first");
  const times = first.map(({ atS }) => atS);
  const [begin = 0, next = Number.NEGATIVE_INFINITY] = times;
  const result = sent.at(-1);
  switch (check.kind) {
    case "firstAttemptsMin":
      return first.length >= check.count;
    case "firstAttemptsMax":
      return first.length <= check.count;
    case "firstAttemptsExactly":
      return first.length === check.count;
    case "gapMinS":
      return next - begin >= check.seconds;
    case "attemptsWithin":
      return times.filter((atS) => atS - begin < check.seconds).length <= check.count;
    case "endsWithinS":
      return sent.every(({ elapsedMs }) => elapsedMs <= check.seconds * 1_000);
    case "complete":
      return sent.every(({ outcome, text }) => outcome === "answer" && isWhole(text));
    case "neverHalfAnAnswer":
      return sent.every(({ outcome, text }) => outcome !== "answer" || isWhole(text));
    case "aliveAfter":
      return alive;
    case "usage":
      return result?.hasUsage === true;
    case "secondNamed":
      return result?.model === HEALTHY_MODEL;
    case "noPrefillRefusal":
      return (
        result?.outcome === "answer" || !attempts.some(({ endpoint, did }) => endpoint === "second" && did === "400")
      );
    case "servedWhileDown":
      return sent.every(({ outcome, sentAtS }) => sentAtS >= downS || outcome === "answer");
    case "backWithinS":
      return first.some(({ atS, did }) => did === "200" && atS <= downS + check.seconds);
    default:
      return check satisfies never;
  }
}
