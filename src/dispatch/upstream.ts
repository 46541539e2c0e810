/**
 * The seam between the life of an attempt and what its request is sent over.
 *
 * Model. On this side is all that takes time and is settled: leases, timers, hedges, repetitions (`attempts.ts`, `hedge.ts`,
 * `attempt-once.ts`, `attempt-watch.ts`, `open-answer.ts`). They know no `Response` and no stream, and run in the simulator as they run
 * in production. On the other side is one `Upstream` a request:
 * - `to(endpointId)` is the way to an endpoint, or null where nobody here knows it;
 * - `Way.ask` sends the request there once, and resolves with what was `Heard` as soon as an answer has begun or is known to
 *   be none. It rejects when the connection ended before, or `signal` was aborted. On the way it tells of the headers, and
 *   of bytes that are not the beginning yet;
 * - what begins brings a `Reply`, which this side only hands on. More of it may be to come (`isOver` false): then somebody
 *   takes it with a *pump*, `(attempt) => Promise<AttemptOutcome>`, that resolves when the answer has ended and says how.
 *   `OpenAnswer.run` settles with what it says, and aborts what is left.
 * In production a pump moves bytes (`relay.ts`, `read-answer.ts`) and `httpUpstream` asks (`http-upstream.ts`); in the simulator the end
 * of a simulated answer is the pump, and the world is asked.
 * Rejected: a port of `fetch`, below which the simulator would have to write HTTP and streams.
 */
import type { AnswerUsage } from "./core/answer-usage.ts";
import type { Reach } from "./core/reach-step.ts";
import type { Trail } from "./trail.ts";
import type { Upload } from "./upload.ts";

/** What bounds the wait for an answer. */
export type Bounds = {
  /** Was a stream asked for: only then does the first byte tell how soon the endpoint began. */
  readonly stream: boolean;
  /** Time until the first byte must be here, ms. */
  readonly firstByteTimeoutMs: number;
  /** When the client waits no longer for it; absent: it does not say. */
  readonly clientGivesUpAtMs?: number;
  /** Without headers for so long, the endpoint is asked whether it is there, ms. */
  readonly connectTimeoutMs: number;
  /** Longest silence of an answer that has begun, ms. */
  readonly stallTimeoutMs: number;
  /** May it be taken from an endpoint that is gone, and sent elsewhere. */
  readonly mayLeave: boolean;
  /** Aborted when the client is seen to have left. */
  readonly clientGone: AbortSignal;
  /** Where its attempts are noted; absent: nobody tells of them. */
  readonly trail?: Trail;
  /** How far a body has come that goes up while its client sends it; absent: all of it is here. */
  readonly upload?: Pick<Upload, "isSpent" | "waitsForClient">;
  /** Beside another attempt that is late. Absent: no. */
  readonly isHedge?: boolean;
  /** It is held for as long as its client wants: how long says nothing of requests. Absent: no. */
  readonly isHeld?: boolean;
};

/** One request as its endpoints get it. */
export type Upstream<Reply> = {
  /** Null: a shard of another version may name an endpoint that this version does not know. */
  readonly to: (endpointId: string) => Way<Reply> | null;
  /** Tells the request from others; the same one sent again is the same. `of`: whose it is, where that matters. */
  readonly hash: (of: string) => Promise<string>;
};

/** The way to one endpoint. */
export type Way<Reply> = {
  readonly endpointId: string;
  /** Longest life of an answer, ms. */
  readonly executionTimeoutMs: number;
  /** When the endpoint was last heard of by this isolate; null: nothing tells whether it can be reached. */
  readonly reach: Reach | null;
  /** Asks for its health, and notes in `reach` what came of it. Never rejects. */
  readonly askHealth: (limitMs: number) => Promise<unknown>;
  /** The request was served, and had so many tokens of the endpoint's own. */
  readonly noteTokens: (promptTokens: number) => void;
  /** Which request it is, should its endpoint end under it; absent: nobody wants to know. */
  readonly suspect?: () => Promise<string>;
  /** Under which key the request would come that goes on from the answer of that id; absent: none does. */
  readonly keyOfAnswer?: (answerId: string) => string;
  readonly ask: (asking: Asking) => Promise<Heard<Reply>>;
};

/** What an attempt gives along, and wants to be told before there is an answer. */
export type Asking = {
  /** The how many-th attempt of its request it is, from 0. */
  readonly nth: number;
  /** Aborted when the attempt is given up, also after its answer has begun. */
  readonly signal: AbortSignal;
  /** The GPU worker to ask for; null: any. */
  readonly workerId: string | null;
  /** The headers are here. `workerId`: the GPU worker that answers, null where it is not told; undefined: none ever is. */
  readonly onHeaders: (workerId: string | null | undefined) => void;
  /** More of a whole answer is here. */
  readonly onBytes: () => void;
};

export type Heard<Reply> =
  | {
      readonly kind: "begun";
      readonly reply: Reply;
      readonly status: number;
      /** It says that the request is too long for the endpoint's context: another one's may be longer. */
      readonly isTooLong: boolean;
      /** All of it is here. */
      readonly isOver: boolean;
      /** What a stream has begun with: known to be a token, or not. */
      readonly hasToken: boolean;
      /** What a whole answer says of its prompt; null: nothing, or it is none. */
      readonly usage: AnswerUsage | null;
    }
  | ({
      readonly kind: "no_room";
      readonly status: number;
      /** When it wants to be asked again, ms; null: it did not say. */
      readonly retryAfterMs: number | null;
      /** Nobody is to hear of it: the client named a path that may never be served. */
      readonly isNobodys: boolean;
    } & Shown)
  | ({ readonly kind: "failed"; readonly status: number } & Shown);

/** What is shown of an answer that is none, and the body of the request, which it may quote; absent: it quotes nothing. */
export type Shown = { readonly shown: string; readonly sent?: ArrayBuffer | Uint8Array | null };
