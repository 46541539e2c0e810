/** What of a request goes to an endpoint, and what bounds the wait for it. */
import type { AnswerProtocol } from "./core/answer-protocol.ts";
import type { AffinityKey } from "../routing/core/shard/affinity.ts";
import type { HeaderRecord } from "../wire/headers.ts";

export type Outgoing = {
  readonly method: string;
  /** Path and query at the endpoint, in the one spelling of `request-target.ts`. */
  readonly path: string;
  readonly headers: HeaderRecord;
  readonly body: ArrayBuffer | Uint8Array | null;
  readonly inputTokens: number;
  readonly clientKey: string;
  /** Session or prefix of a long prompt. */
  readonly affinity: AffinityKey | null;
  /** Was a stream asked for: only then does the first byte tell how soon the endpoint began. */
  readonly stream: boolean;
  /** Time until the first byte must be here, ms. */
  readonly firstByteTimeoutMs: number;
  /** Without headers for so long, the endpoint is asked whether it is there, ms. */
  readonly connectTimeoutMs: number;
  /** Longest silence of an answer that has begun, ms. */
  readonly stallTimeoutMs: number;
  /** What its answer must be, to be one; null: not known. */
  readonly protocol: AnswerProtocol | null;
  /** The client chose the path, and with it the answer: an error over HTTP says nothing of the endpoint. */
  readonly isClientsPath: boolean;
  /** May it be taken from an endpoint that is gone, and sent elsewhere. */
  readonly mayLeave: boolean;
  /** Aborted when the client is seen to have left. */
  readonly clientGone: AbortSignal;
};
