/** What the input rails are asked, and what they leave behind: the words that the pipeline and the rails share. */
import type { RailRecord } from "./core/engine.ts";
import type { TextPart, Unread } from "./core/rail.ts";
import type { StageVerdict } from "./core/verdict.ts";
import type { EdgeEnv, Runtime } from "../dispatch/runtime.ts";
import type { LeaseClient } from "../routing/host/lease-client.ts";

/** What rails ask of whoever runs them: secrets, pools, and leases for those that are models. */
export type RailsHost = { readonly env: EdgeEnv; readonly runtime: Runtime; readonly leases: LeaseClient };

export type InputRequest = {
  readonly requestId: string;
  readonly tenant: string;
  /** The parsed body; null when it is not JSON. */
  readonly body: unknown;
  readonly hasBody: boolean;
  /** Bytes it has at most: a body has no more characters. */
  readonly bodyBytesMax: number;
  /**
   * Says what of it could not be read as texts; of no meaning to a pool without rails. It walks the body, so it is asked
   * once, and not of one that is refused for its size.
   */
  readonly unread: () => Unread;
  /** Its shape is not known here: every string in it may reach a model. */
  readonly everyMember: boolean;
  /** What the endpoint is told beside the body: target and headers. */
  readonly beside: readonly TextPart[];
  /** Aborted when the client has left. */
  readonly clientGone: AbortSignal;
};

export type Checked = {
  readonly verdict: StageVerdict;
  /** The body to send: the same object unless a rail had text redacted. */
  readonly body: unknown;
  /** What the placeholders in the body stand for, where the answer is to have it back; else empty. */
  readonly originals: ReadonlyMap<string, string>;
  readonly records: readonly RailRecord[];
  /** Of the whole stage, ms. */
  readonly tookMs: number;
};

export type InputCheck = {
  /** By the rails inside the isolate, which have ended. */
  readonly inside: Checked;
  /** By all rails; null when nothing is left to wait for. Never rejects. Its body is that of `inside` unless it differs. */
  readonly outside: Promise<Checked> | null;
  /** Ends the outside rails: nobody wants to know any more. */
  stop(): void;
};
