/**
 * The port of a rail that runs inside the isolate.
 *
 * Model. A rail is a pure function from the text that the model will see to findings: spans per text part and reasons.
 * It decides neither what a finding does (the policy's action does) nor when it runs, and it never returns a text, so
 * rails cannot overwrite each other. It takes linear time: inside a Worker no clock could stop it.
 * Source: design.md section 5; facts/reliability.md section 0, points 1 and 2.
 * Rejected: rails that return a verdict, which would let a rail block where the operator asked for a flag.
 */
import type { Span } from "../spans.ts";
import type { RailPolicy, RailResult } from "../verdict.ts";

export type RailStage = "input" | "output";

export type RailSpec = RailPolicy & {
  readonly stage: RailStage;
  /** Longest the rail may take, ms; the shell enforces it for rails that do I/O. */
  readonly timeoutMs: number;
};

/** One text that the model will see. */
export type TextPart = {
  /** Where it is in the body, such as `messages[0].content[1].text`; unique in one body. */
  readonly path: string;
  /** Role of its message; "user" for a prompt or an input, "tool_definition" for tools, "" where none is given. */
  readonly role: string;
  readonly text: string;
};

/** What of a body the rails could not see. `token_ids` and `media` are content, the other two are bounds. */
export type UnseenReason = "too_many_parts" | "too_deep" | "token_ids" | "media";

export type RailInput = {
  readonly parts: readonly TextPart[];
  readonly messageCount: number;
  readonly unseen: readonly UnseenReason[];
  /** Whose body has members that nobody here knows: then every string in it counts. Absent: no. */
  readonly everyMember?: boolean;
};

/** A finding before the policy says what it does: a span without rail and action. */
export type FoundSpan = Omit<Span, "rail" | "action">;

export type RailFindings = {
  /** By path of the text part; a part without findings has no entry. */
  readonly spans: ReadonlyMap<string, readonly FoundSpan[]>;
  /** Machine-readable codes that may be logged and shown to the client; never a piece of the text. */
  readonly reasons: readonly string[];
};

export type SyncRail<Options> = (input: RailInput, options: Options) => RailFindings;

/** The result of a rail that finished: its policy's action if it found anything, else allow. */
export function railResult(policy: RailPolicy, findings: RailFindings, tookMs: number): RailResult {
  const found = findings.reasons.length > 0 || findings.spans.size > 0;
  const spans = [...findings.spans].map(
    ([path, list]) => [path, list.map((span) => withPolicy(span, policy))] as const,
  );
  return {
    rail: policy.rail,
    verdict: found ? policy.action : "allow",
    spans: new Map(spans),
    reasons: findings.reasons,
    status: "done",
    tookMs,
  };
}

function withPolicy(span: FoundSpan, { rail, action }: RailPolicy): Span {
  return { ...span, rail, action };
}
