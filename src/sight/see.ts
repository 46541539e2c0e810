/**
 * What is seen of a request on its way, until it has ended: then, once, it is told (`tell.ts`).
 *
 * Model. A request has ended when the door has its answer and no attempt of it is open any more: a stream's attempt ends with
 * the stream. While it runs only references are kept; the record is made of them at the end, by a part of the bundle
 * that is loaded with the first request that ends and is there at once from then on. Nothing here is awaited by a request.
 * Where output rails rewrite a stream, what they found is known only once they have seen its end.
 */
import { createTrail } from "../dispatch/trail.ts";
import { waited } from "../routing/host/clock.ts";
import type { Seen, SeenEnd } from "./seen.ts";

/** A rewriter that says nothing after its stream has ended is waited for this long, ms. */
const RAILS_END_MS = 1_000;

export function createSeen(id: string, method: string): Seen {
  const trail = createTrail(id, () => tellIfOver(seen));
  const seen: Seen = {
    id,
    startedAtMs: Date.now(),
    method,
    trail,
    waits: { home: null, leaseMs: 0, queueMs: 0 },
    path: "",
    jobPath: null,
    identity: null,
    pool: null,
    model: null,
    answersAsked: 1,
    stream: false,
    priority: null,
    colo: null,
    trace: null,
    bytesIn: null,
    bytesOut: null,
    rails: [],
    railsMs: null,
    outputRails: null,
    isRailing: false,
    stoppedBy: null,
    meter: null,
    tellsCandidates: false,
    end: null,
    isTold: false,
  };
  return seen;
}

/** The door has its answer. */
export function noteEnd(seen: Seen, end: SeenEnd): void {
  seen.end = end;
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
