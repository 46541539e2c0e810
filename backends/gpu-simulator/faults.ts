/**
 * Which fault does the next request meet? Set by the control path, by the process, or drawn at random by the seed.
 *
 * One scripted fault is active at a time, and its `times` counts down per request it hits: a test says "the next two
 * requests get a 429" and knows that the third does not. Slow and refuse are states of the server, not of a request.
 * Rejected: faults by probability on the control path; a test that needs luck proves nothing (the random ones of
 * llm-d-inference-sim exist as flags, for soak runs).
 */
import * as z from "zod";
import { seededRng } from "../../src/lib/rng.ts";

/** Longest delay that a fault may ask for, ms: an hour, longer than any time-out in this project. */
export const FAULT_MS_MAX = 3_600_000;

const times = z.int().min(1).nullable().default(null);
/** `work`: requests that a GPU would serve. `all`: probes too, as when the whole host is broken. */
const paths = z.enum(["work", "all"]).default("work");
const delayMs = z.number().min(0).max(FAULT_MS_MAX);

export const faultSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("none") }),
  /** Stop listening, for `forMs` or until told otherwise in process. */
  z.strictObject({ kind: z.literal("refuse"), forMs: delayMs.nullable().default(null) }),
  /** Reset the connection before any byte of the answer. */
  z.strictObject({ kind: z.literal("reset"), times, paths }),
  /** Accept and never answer. */
  z.strictObject({ kind: z.literal("hang"), times, paths }),
  z.strictObject({
    kind: z.literal("status"),
    status: z.int().min(400).max(599),
    /** Seconds, as on the wire. */
    retryAfter: z.int().min(0).nullable().default(null),
    latencyMs: delayMs.default(0),
    times,
    paths,
  }),
  /** Runpod's answers when no worker is free. */
  z.strictObject({
    kind: z.literal("capacity"),
    answer: z.enum(["timed_out", "no_workers"]).default("timed_out"),
    latencyMs: delayMs.default(0),
    times,
    paths,
  }),
  /** Cut the connection after this many bytes of body; 0: after the headers. */
  z.strictObject({ kind: z.literal("die_after_bytes"), bytes: z.int().min(0), times, paths }),
  /** Every step lasts `factor` times as long, until `none`. */
  z.strictObject({ kind: z.literal("slow"), factor: z.number().positive().max(10_000) }),
]);

export type FaultInput = z.input<typeof faultSchema>;
export type Fault = z.output<typeof faultSchema>;
/** What one request can meet. */
export type RequestFault = Extract<Fault, { times: number | null }>;

export type FaultBoard = {
  /** Replaces the scripted fault; null clears it. */
  set(fault: RequestFault | null): void;
  current(): RequestFault | null;
  /** The fault for a request that just came, counted down. */
  take(request: { readonly isWork: boolean }): RequestFault | null;
};

export function createFaultBoard(): FaultBoard {
  let fault: RequestFault | null = null;
  let left = 0;
  return {
    set(next) {
      fault = next;
      left = next?.times ?? Infinity;
    },
    current: () => fault,
    take({ isWork }) {
      if (fault === null || (fault.paths === "work" && !isWork)) return null;
      const taken = fault;
      left -= 1;
      if (left === 0) fault = null;
      return taken;
    },
  };
}

/** The failures of llm-d-inference-sim, with the statuses and vLLM's error types it gives them. */
export const FAILURES = {
  rate_limit: { status: 429, type: "RateLimitError", message: "Rate limit reached, try again later." },
  invalid_api_key: { status: 401, type: "AuthenticationError", message: "Incorrect API key provided." },
  context_length: { status: 400, type: "BadRequestError", message: "The prompt is longer than the model's context." },
  server_error: { status: 503, type: "InternalServerError", message: "The server is overloaded or not ready yet." },
  invalid_request: { status: 400, type: "BadRequestError", message: "Invalid request." },
  model_not_found: { status: 404, type: "NotFoundError", message: "The model does not exist." },
} as const;

export type FailureType = keyof typeof FAILURES;

export const FAILURE_TYPES = Object.keys(FAILURES) as readonly FailureType[];

/** Draws, per inference request in order of arrival, whether and how it fails. */
export function createFailureDraw(options: {
  readonly ratePercent: number;
  readonly types: readonly FailureType[];
  readonly seed: number;
}): () => FailureType | null {
  const rng = seededRng(options.seed);
  return () => {
    // Both draws are always made, so that one rate's failures are a subset of a higher rate's.
    const fails = rng() * 100 < options.ratePercent;
    const type = options.types[Math.floor(rng() * options.types.length)];
    return fails ? (type ?? null) : null;
  };
}
