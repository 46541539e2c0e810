/**
 * An answer that has begun, as the rest of the house gets it.
 *
 * Model. A whole answer is bytes: nothing is owed for it any more. A stream still holds its lease, and is taken by exactly one
 * of its exits, each of which sees to the lease and to the connection:
 * - `pipe`: the client reads it;
 * - `read`: all of it as bytes, up to a bound, beyond which the rest is a stream again;
 * - `each`: piece by piece, as it comes;
 * - `follow`: the same, at the pace of its reader, who ends it;
 * - `discard`: nobody wants it.
 * A second exit throws. Rejected: to hand out the reader and the abort beside it, as before: who settles, and when, was then
 * everybody's business.
 */
import { invariant } from "../lib/invariant.ts";
import { part } from "./part.ts";
import type { AttemptOutcome } from "../routing/core/shard-messages.ts";
import { isEventStream } from "./answer-format.ts";
import { abandonAttempt } from "./attempt-end.ts";
import type { Attempt, BegunAttempt, OpenAnswer } from "./attempt.ts";
import type { Streaming, Whole } from "./begin-answer.ts";
import type { OwnReply } from "./http-upstream.ts";
import type { Broken, ReadEnd } from "./read-answer.ts";
import { relay } from "./relay.ts";
import type { EdgeEndpoint } from "./runtime.ts";
import type { Taking } from "./follow-answer.ts";

export type BegunAnswer = {
  readonly endpoint: EdgeEndpoint;
  /** Of the grant: where the endpoint is. */
  readonly region: string;
  /** When its request was sent there. */
  readonly sentAtMs: number;
  readonly status: number;
  readonly headers: Headers;
  readonly isEvents: boolean;
  /** Of a socket that was opened: nothing, it has no body. */
  readonly body: Whole | AnswerStream;
  /** The client's name of the model, which the answer is to say; null: it says what it says. */
  readonly asked: string | null;
  /** Null: it opened none. */
  readonly socket: AnswerSocket | null;
  /** The first token is here, where only a reader of the stream can see it. */
  readonly noteToken: () => void;
};

export type AnswerStream = {
  readonly kind: "stream";
  /** `opening` is sent before the first byte, for a reader in between that sees the first token itself. */
  readonly pipe: (opening?: Uint8Array) => Piped;
  readonly read: (bytesMax: number) => Promise<AnswerRead>;
  readonly each: (take: (piece: Uint8Array) => AttemptOutcome | null) => Promise<ReadEnd>;
  /** For a reader that may have the rest from elsewhere: it writes the end itself. `isWhole`: has it read one. */
  readonly follow: (take: Taking, isWhole: () => boolean) => Promise<AttemptOutcome>;
  readonly discard: (outcome: AttemptOutcome) => void;
};

/** Taken by one of its exits, once, as a stream is. */
type AnswerSocket = {
  /** Gives the client's end. */
  readonly connect: () => WebSocket;
  readonly discard: (outcome: AttemptOutcome) => void;
};

/** `stop`: what was piped so far was the last that anybody wants. */
type Piped = { readonly readable: ReadableStream<Uint8Array>; readonly stop: () => void };

type AnswerRead =
  | Whole
  /** What is read by now is the beginning of `rest`. */
  | { readonly kind: "too_large"; readonly rest: AnswerStream }
  | { readonly kind: "broken"; readonly why: Broken };

export function begunAnswer(begun: BegunAttempt<unknown>, reply: OwnReply): BegunAnswer {
  const { attempt } = begun;
  const { endpoint, status, headers, asked } = reply;
  const isEvents = isEventStream(headers.get("content-type") ?? "");
  return {
    endpoint,
    region: attempt.heldLease.grant.region,
    sentAtMs: attempt.sentAtMs,
    status,
    headers,
    isEvents,
    body: bodyOf(begun, reply, isEvents),
    asked,
    socket: socketOf(begun, reply),
    noteToken() {
      attempt.firstTokenAtMs ??= Date.now();
      attempt.leases.begun(attempt.heldLease);
    },
  };
}

function bodyOf({ attempt, open }: BegunAttempt<unknown>, { body }: OwnReply, isEvents: boolean): BegunAnswer["body"] {
  if (body.kind === "whole") return body;
  if (body.kind === "socket") return NO_BODY;
  invariant(open !== null, "what is still to come is open");
  return answerStream(attempt, open, body, isEvents);
}

const NO_BODY: Whole = { kind: "whole", bytes: null };

function socketOf({ attempt, open }: BegunAttempt<unknown>, { body }: OwnReply): AnswerSocket | null {
  if (body.kind !== "socket" || open === null) return null;
  return { connect: () => body.connect(attempt, open), discard: (outcome) => open.discard(outcome) };
}

/** Loaded with the first answer that is not only passed on. */
const readPart = part(async () => import("./read-answer.ts"));

const followPart = part(async () => import("./follow-answer.ts"));

function answerStream(attempt: Attempt, open: OpenAnswer, streaming: Streaming, isEvents: boolean): AnswerStream {
  return {
    kind: "stream",
    pipe(opening) {
      const { readable, writable } = new IdentityTransformStream();
      const to = { writable, isEvents, opening: opening ?? null };
      attempt.leases.ports.spawn(open.run(async () => relay(attempt, streaming, to)));
      return { readable, stop: () => abandonAttempt(attempt, "cancelled") };
    },
    async read(bytesMax) {
      const reading = readPart().then(async ({ readWhole }) => readWhole(open, streaming, bytesMax));
      // A client that leaves ends its handler; the lease must end nevertheless.
      attempt.leases.ports.spawn(reading);
      const read = await reading;
      if (read.kind !== "too_large") return read;
      return {
        kind: "too_large",
        rest: answerStream(attempt, read.open, { ...streaming, first: read.bytes }, isEvents),
      };
    },
    async each(take) {
      let end: ReadEnd = "cut";
      const { readEach } = await readPart();
      await open.run(async () => {
        const read = await readEach(attempt, streaming, isEvents, take);
        end = read.end;
        return read.outcome;
      });
      return end;
    },
    async follow(take, isWhole) {
      const { followEach } = await followPart();
      return open.run(async () => followEach(attempt, streaming, take, isWhole));
    },
    discard: (outcome) => open.discard(outcome),
  };
}
