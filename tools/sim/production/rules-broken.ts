/** The rules of docs/reference/glossary.md, Invariants as the checkers name them, and what each asks. */
export const RULES = {
  capacity: "no lease is admitted beyond the endpoint's capacity and the documented over-commit",
  "lease-table": "the lease table does not contradict itself",
  "settled-once": "a lease is settled or expired once, and by its own end",
  "true-outcome": "a shard is told what happened",
  "live-again": "a lease that ended is not live again",
  "held-leases": "an edge holds exactly the leases of its attempts",
  "settled-at-end":
    "a lease is settled when its attempt is over, and within a second where it may be the request's fault",
  "avoids-silence":
    "a repeat does not go to the region where it has just been cut off while another one has room, nor in panic while another one admits",
  leak: "a lease does not outlive its attempt while no message is lost",
  cap: "no lease outlives its cap",
  unconfirmed: "a lease that nobody confirmed lives no longer than the grace",
  "one-outcome": "a request has exactly one outcome",
  "admitting-only": "nothing is dispatched to an endpoint that does not admit, unless in panic",
  breaker: "an endpoint that failed five times in a row rests, unless in panic",
  "half-open": "one attempt of the whole fleet tries an endpoint that was ejected",
  budget: "retries and hedges stay within the budget",
  "attempts-max": "a request is dispatched at most twice, each time elsewhere",
  "put-back": "a request is put back twice at most, before its first byte, and never one of the highest class",
  "after-first-token": "nothing is dispatched after the first token",
  "one-attempt": "a lease serves one attempt, and an attempt has a lease",
  "queue-bound": "the queue stays within its bound",
  "one-hop": "a spilled request is not passed on",
  epoch: "the word of an earlier incarnation does not replace a later one's",
  "wake-once": "a need wakes an endpoint once",
  answered: "a queued request is answered while no message is lost",
  "comes-to-rest": "after the end no lease is live and no request is open",
  place: "a request that another shard sent keeps its place: it has waited since it first asked",
  told: "what an edge has to tell of an attempt's end reaches a shard or is kept",
  heard: "a held request leaves as soon as what its shard heard of another region lets it",
  crash: "nothing throws",
} as const;

export type Rule = keyof typeof RULES;
