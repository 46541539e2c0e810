/**
 * The port to GPU servers: how to look at one, and what its answer means. Where it is, only the way out knows. One
 * adapter a kind of server; the contract suite in `test/backends/contract.ts` runs over all of them.
 *
 * An adapter holds no state, makes no decision about routing, names paths and never URLs, and sees the network only
 * through the egress it is given.
 */
import type { ProbeResult } from "../src/routing/core/endpoint/endpoint.ts";

/** Where an endpoint is and how to authenticate to it; secrets are resolved. */
export type Target = {
  readonly endpointId: string;
  /** Name of the model there; null: the config does not say one name. */
  readonly model: string | null;
  /** Base URL without a trailing slash. */
  readonly url: string;
  /** Whole value of the `Authorization` header, or null. */
  readonly authorization: string | null;
  /** Null: the router learns it. */
  readonly concurrencyPerWorker: number | null;
  /** Where to read readiness. */
  readonly healthUrl: string;
  /** `Authorization` for `healthUrl`, or null. */
  readonly healthAuthorization: string | null;
};

/**
 * What an answer means for routing. `served`: it is the client's. `client_fault`: it is the client's, and the endpoint
 * is well. `too_long`: the same, but an endpoint with a longer context may serve it. `capacity`: no room now, try
 * elsewhere, the endpoint is well. `server_fault`: the endpoint is not well.
 */
export type AnswerClass = "served" | "client_fault" | "too_long" | "capacity" | "server_fault";

type Answer = {
  readonly status: number;
  readonly headers: Headers;
  /** The start of the body, at most ANSWER_PEEK_BYTES, for a status of 400 and above; else empty. */
  readonly bodyStart: string;
};

/** Bytes of an error answer that an adapter may look at. */
export const ANSWER_PEEK_BYTES = 4_096;

/** What is asked of an endpoint: everything but where it is and how to authenticate to it. */
export type Call = {
  readonly method: string;
  /** Path and query below the endpoint's URL, in the one spelling of `request-target.ts`; null: its health URL. */
  readonly path: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ArrayBuffer | Uint8Array | null;
  readonly signal: AbortSignal;
};

/** The way out (`egress.ts`). A body may be one that is still on its way in. */
export type Egress = (
  target: Target,
  call: Omit<Call, "body"> & { readonly body: Call["body"] | ReadableStream<Uint8Array> },
) => Promise<Response>;

export type Backend = {
  readonly kind: string;
  /**
   * Header in which an answer names the GPU worker that gave it, and in which a request may ask for one that the server
   * then prefers; null where there is none. Lower case.
   */
  readonly workerHeader: string | null;
  /** Looks at readiness without sending work. Never throws: what cannot be reached is `failed`. */
  readonly probe: (target: Target, egress: Egress, signal: AbortSignal) => Promise<ProbeResult>;
  /** Makes a cold endpoint start; resolves when the wake-up was sent, not when it is warm. Never throws. */
  readonly wake: (target: Target, egress: Egress, signal: AbortSignal) => Promise<void>;
  readonly classify: (answer: Answer) => AnswerClass;
};
