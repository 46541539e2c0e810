/** What `bench/sight.ts` measures inside workerd: `?n=` requests that have ended are told of, as the router does. */
import type { EdgePool } from "../src/dispatch/runtime.ts";
import type { Tried } from "../src/dispatch/trail.ts";
import { createSeen } from "../src/sight/see.ts";
import type { Seen, SeenEnd } from "../src/sight/seen.ts";
import { tell } from "../src/sight/tell.ts";

const FEED = { getByName: () => ({ report: async () => ({ watched: false }) }) };
const RAIL = { verdict: "allow", shadow: false, status: "done", tookMs: 0, reasons: [] } as const;

/** As much of an attempt, and of the pool, as a record is made of. */
function seenAt(nth: number): Seen {
  const seen = createSeen(`req_${nth}`, "POST");
  const attempt = {
    heldLease: { grant: { endpointId: `gpu-${nth % 4}`, region: nth % 2 === 0 ? "us-east" : "eu-west" } },
    sentAtMs: seen.startedAtMs + 3,
    firstByteAtMs: null,
    headersAtMs: seen.startedAtMs + 40,
    endedAtMs: seen.startedAtMs + 60 + (nth % 200),
    status: 200,
    bounds: {},
    outcome: "served",
    usage: { promptTokens: 20, outputTokens: 10 },
    bytesOut: 500,
    firstTokenAtMs: seen.startedAtMs + 40 + (nth % 50),
    timedOut: false,
    left: null,
    failure: null,
  } as unknown as Tried;
  seen.trail.attempts.push(attempt);
  seen.trail.answeredBy = attempt;
  seen.trail.reason = "nearest_warm";
  seen.waits.home = "pool:bench:us-east";
  seen.path = "/v1/chat/completions";
  seen.identity = { tenant: `tenant-${nth % 3}`, keyId: "bench" };
  seen.pool = { config: { id: "bench" }, endpoints: new Map() } as unknown as EdgePool;
  seen.model = "model";
  seen.bytesIn = 300;
  seen.rails = [
    { rail: "size", ...RAIL },
    { rail: "secrets", ...RAIL },
  ] as unknown as Seen["rails"];
  seen.railsMs = 0;
  return seen;
}

export const worker = {
  fetch(request: Request, _env: unknown, ctx: ExecutionContext): Response {
    const count = Number(new URL(request.url).searchParams.get("n"));
    const isTold = new URL(request.url).searchParams.has("tell");
    const config = { routes: new Map(), sight: { logServed: 0.01 } };
    const host = { runtime: { config }, env: { FLEET_FEED: FEED }, ctx } as unknown as SeenEnd["host"];
    for (let nth = 0; nth < count; nth++) {
      const seen = seenAt(nth);
      const end = { host, refused: null, failed: null, status: 200, clientLeft: false, atMs: seen.startedAtMs + 50 };
      if (isTold) tell(seen, end);
    }
    return new Response("told");
  },
};
