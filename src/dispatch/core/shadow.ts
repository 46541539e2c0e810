/**
 * Decides whether a request is copied to another pool.
 *
 * Model. A copy is for the operator, so it costs nobody anything: it is drawn by chance, bounded in its size and in how many
 * there are at once, and waits for nothing (its lease is for a spare slot or none, `AttemptPurpose`).
 */

export type ShadowRule = {
  /** Of the requests, above 0 to 100. */
  readonly percent: number;
  /** Copies of one pool that one isolate has under way. */
  readonly inFlightMax: number;
  readonly bodyBytesMax: number;
};

export type ShadowAsked = {
  /** 0 to 1, drawn for the request. */
  readonly roll: number;
  readonly inFlight: number;
  readonly bodyBytes: number;
  /** It goes on from an answer that another pool does not have. */
  readonly goesOn: boolean;
};

/** `not_drawn` is no news; the others are why one that was drawn is not sent. */
export type ShadowChoice = "send" | "not_drawn" | "budget" | "too_large" | "goes_on";

export function shadowChoice(rule: ShadowRule, { roll, inFlight, bodyBytes, goesOn }: ShadowAsked): ShadowChoice {
  if (roll * 100 >= rule.percent) return "not_drawn";
  if (goesOn) return "goes_on";
  if (bodyBytes > rule.bodyBytesMax) return "too_large";
  return inFlight >= rule.inFlightMax ? "budget" : "send";
}
