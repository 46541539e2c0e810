/**
 * What a decision says in words: why an endpoint was chosen, what became of the request, what was lost with an attempt.
 * A word that a newer router sends and this page does not know is shown as it is.
 */
import type { AttemptLoss } from "../../src/sight/core/record.ts";
import type { ShownRequest } from "../record.ts";
import { formatMs, inWords } from "../store/format.ts";

const WHY: Readonly<Record<string, string>> = {
  nearest_warm: "nearest warm",
  spill: "spill: every nearer one was full",
  cheaper: "cheaper: a nearer one would answer later",
  cold_start: "cold start: nothing warm was sooner",
  panic: "panic: too few endpoints take traffic",
  failover: "failover: an attempt before it failed",
  hedge: "hedge: the first was late",
  snapshot: "snapshot: its shard was silent",
  static: "config alone: no shard had answered",
  sticky: "sticky: its worker has the session",
};

const LOST = {
  no_room: "had no room",
  credential_refused: "refused the router’s credential",
  server_error: "answered with an error",
  too_long: "has too short a context",
  connection_failed: "connection failed",
  unreachable: "not reachable",
  timeout: "timed out",
  late: "first token came too late",
  cut: "the answer broke off",
  silent: "the answer fell silent",
  overtaken: "another attempt was first",
  cancelled: "nobody wanted it any more",
  put_back: "gave its place to a higher class",
  left: "its endpoint went down while it waited",
} satisfies Readonly<Record<AttemptLoss, string>>;

export const whyInWords = (why: string | null): string => (why === null ? "" : (WHY[why] ?? inWords(why)));

/** A newer router may have another word. */
const known = (words: Readonly<Record<string, string>>): Readonly<Record<string, string | undefined>> => words;

export const lossInWords = (lost: AttemptLoss | null): string =>
  lost === null ? "answered" : (known(LOST)[lost] ?? inWords(lost));

/** Good, bad, or on purpose: what the colour and the shape beside an outcome say. */
export type OutcomeKind = "good" | "bad" | "meant";

export function outcomeKind(outcome: string): OutcomeKind {
  if (outcome === "served") return "good";
  return outcome === "blocked" || outcome === "refused" || outcome === "cancelled" ? "meant" : "bad";
}

/** The whole decision in a sentence or two. */
export function summaryOf(record: ShownRequest): string {
  const { clientRegion, endpoint, region, why, attempts, outcome, reason, ms } = record;
  const from = clientRegion === null ? "" : `From near ${clientRegion}. `;
  const chosen =
    endpoint === null
      ? attempts.length === 0
        ? "No endpoint was asked. "
        : "No endpoint answered. "
      : `${endpoint}${region === null ? "" : ` in ${region}`} answered${why === null ? "" : `: ${whyInWords(why)}`}. `;
  const how =
    outcome === "served" ? "" : `Outcome: ${inWords(outcome)}${reason === null ? "" : ` (${inWords(reason)})`}. `;
  return `${from}${chosen}${how}It took ${formatMs(ms.total)}.`;
}
