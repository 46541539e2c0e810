/**
 * What is seen of a request on its way, until it has ended: then, once, it is told (`tell.ts`).
 *
 * Model. A request has ended when the door has its answer and no attempt of it is open any more: a stream's attempt ends with
 * the stream. While it runs only references are kept; the record is made of them at the end, by a part of the bundle
 * that is loaded with the first request that ends and is there at once from then on. Nothing here is awaited by a request.
 * Where output rails rewrite a stream, what they found is known only once they have seen its end.
 */
import type { EdgeEnv, EdgePool, Runtime, Waiting } from "../dispatch/runtime.ts";
import type { Trail } from "../dispatch/trail.ts";
import type { RailRecord } from "../rails/core/engine.ts";
import { waited } from "../routing/host/clock.ts";
import type { LeaseWaits } from "../routing/core/lease-client/lease-waits.ts";
import type { FailureReason } from "../jobs/core/reasons.ts";
import type { ErrorReason } from "../wire/errors.ts";
import type { Answer } from "../wire/refusal.ts";

/** A rewriter that says nothing after its stream has ended is waited for this long, ms. */
const RAILS_END_MS = 1_000;

export type SeenHost = { readonly runtime: Runtime; readonly env: EdgeEnv; readonly ctx: Waiting };

/** Written in place, by whoever knows. */
export type Seen = {
  readonly id: string;
  readonly startedAtMs: number;
  readonly method: string;
  readonly trail: Trail;
  readonly waits: LeaseWaits;
  /** Of the target, as far as it could be read; `job`: an attempt of one. */
  path: string;
  tenant: string | null;
  keyId: string | null;
  pool: EdgePool | null;
  model: string | null;
  stream: boolean;
  priority: string | null;
  colo: string | null;
  traceparent: string | null;
  bytesIn: number | null;
  bytesOut: number | null;
  rails: readonly RailRecord[];
  railsMs: number | null;
  /** What the output rails have found by now; null: none looked. */
  outputRails: (() => readonly RailRecord[]) | null;
  /** They have not seen the end of a stream yet. */
  isRailing: boolean;
  /** Why they ended it; null: they did not. */
  stoppedBy: ErrorReason | null;
  end: SeenEnd | null;
  isTold: boolean;
};

/** What the client is told. */
export type SeenEnd = {
  readonly host: SeenHost;
  readonly refused: ErrorReason | null;
  readonly failed: FailureReason | null;
  readonly status: number;
  readonly clientLeft: boolean;
  readonly atMs: number;
};

export function createSeen(id: string, method: string): Seen {
  const trail: Trail = {
    attempts: [],
    open: 0,
    reason: null,
    answeredBy: null,
    onEnded: () => tellIfOver(seen),
  };
  const seen: Seen = {
    id,
    startedAtMs: Date.now(),
    method,
    trail,
    waits: { home: null, leaseMs: 0, queueMs: 0 },
    path: "",
    tenant: null,
    keyId: null,
    pool: null,
    model: null,
    stream: false,
    priority: null,
    colo: null,
    traceparent: null,
    bytesIn: null,
    bytesOut: null,
    rails: [],
    railsMs: null,
    outputRails: null,
    isRailing: false,
    stoppedBy: null,
    end: null,
    isTold: false,
  };
  return seen;
}

/** The door has its answer. `clientLeft`: nobody takes it. */
export function noteAnswer(seen: Seen, host: SeenHost, answer: Answer, status: number, clientLeft: boolean): void {
  const refused = answer instanceof Response ? null : answer.reason;
  seen.end = { host, refused, failed: null, status, clientLeft, atMs: Date.now() };
  tellIfOver(seen);
}

/** The output rails have seen the end. */
export function noteRailed(seen: Seen): void {
  seen.isRailing = false;
  tellIfOver(seen);
}

type TellPart = typeof import("./tell.ts");

let tellPart: TellPart | null = null;

function tellIfOver(seen: Seen): void {
  const { trail, end } = seen;
  if (seen.isTold || end === null || trail.open > 0) return;
  const { answeredBy } = trail;
  if (seen.isRailing && answeredBy?.outcome === "served") {
    const { clock, spawn } = answeredBy.leases.ports;
    spawn(waited(clock, RAILS_END_MS).then(() => noteRailed(seen)));
    return;
  }
  seen.isTold = true;
  if (tellPart !== null) tellPart.tell(seen, end);
  else end.host.ctx.waitUntil(loadTell().then(({ tell }) => tell(seen, end)));
}

async function loadTell(): Promise<TellPart> {
  tellPart = await import("./tell.ts");
  return tellPart;
}
