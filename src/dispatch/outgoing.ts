/** What of a request goes to an endpoint, and what bounds the wait for it. */
import type { AnswerProtocol } from "./core/answer-protocol.ts";
import type { HeaderRecord } from "../wire/headers.ts";
import type { Answer } from "../wire/refusal.ts";
import type { EdgeEndpoint } from "./runtime.ts";
import type { SocketAsk } from "./socket-ask.ts";
import type { Upload } from "./upload.ts";
import type { Bounds } from "./upstream.ts";

/** The trace that a request is in (W3C Trace Context), and its own span there. */
export type Trace = {
  readonly traceId: string;
  readonly spanId: string;
  /** The caller's span; null: it begins here. */
  readonly parentId: string | null;
  readonly sampled: boolean;
};

export type Outgoing = Bounds & {
  /** Null: in none. */
  readonly trace: Trace | null;
  readonly method: string;
  /** Path and query at the endpoint, in the one spelling of `request-target.ts`. */
  readonly path: string;
  readonly headers: HeaderRecord;
  readonly body: ArrayBuffer | Uint8Array | null;
  /** Of a body that goes up as it comes, of which `body` is what is held. */
  readonly upload?: Upload;
  /** What its answer must be, to be one; null: not known. */
  readonly protocol: AnswerProtocol | null;
  /** The client chose the path, and with it the answer: an error over HTTP says nothing of the endpoint. */
  readonly isClientsPath: boolean;
  /** Under which key a request would come that goes on from its answer, by the answer's id; absent: nobody wants to know. */
  readonly keyOfAnswer?: (answerId: string) => string;
  /** Asks an endpoint in words that it understands; absent: it is sent as it is. */
  readonly speech?: Speech;
  /** It opens a socket; absent: it does not. */
  readonly socket?: SocketAsk;
};

/** What an endpoint answered, and what that must be, to be an answer; null: not known. */
export type Answered = { readonly answer: Answer; readonly protocol: AnswerProtocol | null };

/** `asked`: the client's name of the model, where the endpoint was asked under another one and the answer is to say it. */
export type Said = Answered & { readonly asked: string | null };

/** `send`: sends the request with these words in place of its own. */
export type Speech = (
  endpoint: EdgeEndpoint,
  outgoing: Outgoing,
  send: (words: Partial<Pick<Outgoing, "path" | "body">>) => Promise<Answer>,
) => Promise<Answered>;
