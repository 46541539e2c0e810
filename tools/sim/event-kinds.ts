/** Kinds of events, as they enter the hash. `a` and `b` are an attempt and a number unless said otherwise. */
export const EVENT = {
  /** a: request */
  arrive: 0,
  reach: 1,
  /** a: endpoint, b: the engine's value */
  engine: 2,
  firstToken: 3,
  end: 4,
  /** b: index into FAILURE_REASONS */
  failure: 5,
  cancel: 6,
  /** a: tag, b: value */
  timer: 7,
  /** a: region, b: value */
  message: 8,
  /** a: index of the fault, b: 1 at its start, 0 at its end */
  fault: 9,
  /** a: endpoint */
  warm: 10,
  /** a: endpoint, b: version */
  idle: 11,
  sample: 12,
  /** The headers of an answer; only for a router that wants to hear of them. */
  headers: 13,
} as const;
