/** What the page is drawn from: the frame of this instant, a socket that brings one a second, and the minutes before. */
import { FRAME_VERSION } from "../../sight/core/frame.ts";
import type { FeedFrame } from "../../sight/core/frame.ts";
import type { RequestRecord } from "../../sight/core/record.ts";
import { analyticsHistory, hasAnalytics } from "../../sight/analytics-history.ts";
import { withFeed } from "../../sight/core/analytics-query.ts";
import { askInTime } from "../../sight/ask-in-time.ts";
import { askQueues } from "../../sight/ask-queues.ts";
import { feedOf, WATCHER } from "../../sight/feed-port.ts";
import type { HistoryTold } from "../../sight/feed-port.ts";
import { seesAll } from "../../sight/object/holder.ts";
import { frameFleet } from "../../sight/frame-fleet.ts";
import { frameJobs } from "../../sight/frame-jobs.ts";
import { watched } from "../../sight/watched.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import { askFleet } from "../admin/admin.ts";
import type { Authenticated } from "../edge-request.ts";
import { answerPrivate } from "./private.ts";
import { claimsHere } from "./sign-in.ts";

/** As long as hours are kept. */
const HISTORY_MINUTES_MAX = 90 * 24 * 60;
const HISTORY_MINUTES_DEFAULT = 60;

const NO_FEED: Refusal = {
  reason: "not_found",
  detail:
    "This deployment counts nothing: it binds no Durable Object FLEET_FEED. GET /dashboard/api/snapshot works without.",
};

/** The feed's figures and decisions are the whole deployment's. */
const NARROWED: Refusal = {
  reason: "forbidden",
  detail: "This shows every pool, and the key may use only some. GET /dashboard/api/snapshot shows those.",
};

/** `GET /dashboard/api/snapshot`. Where the feed does not answer it has no rates and no decisions. */
export async function snapshot(edge: Authenticated): Promise<Answer> {
  const feed = seesAll(edge.identity) ? feedOf(edge.env) : null;
  const asked = feed === null ? null : await askInTime(async () => feed.snapshot());
  if (asked?.ok !== true) return answerPrivate(edge, await frameHere(edge));
  noteWatcher();
  return answerPrivate(edge, asked.value);
}

async function frameHere(edge: Authenticated): Promise<FeedFrame<RequestRecord>> {
  const [shards, queues] = await Promise.all([askFleet(edge, false), askQueues(edge.env, edge.runtime.config)]);
  return {
    v: FRAME_VERSION,
    atMs: Date.now(),
    fleet: frameFleet(shards),
    rates: null,
    decisions: [],
    jobs: frameJobs(queues, Date.now()),
    events: [],
  };
}

/** `GET /dashboard/api/live`: who was let in is told to the feed, which looks again every second. */
export async function live(edge: Authenticated): Promise<Answer> {
  if (edge.request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return { reason: "invalid_request", detail: "This is a WebSocket: ask with Upgrade: websocket." };
  }
  if (!seesAll(edge.identity)) return NARROWED;
  const feed = feedOf(edge.env);
  if (feed === null) return NO_FEED;
  const claims = await claimsHere(edge);
  if (claims === null) return { reason: "forbidden", detail: "An API key opens this socket, or a session." };
  const headers = { upgrade: "websocket", [WATCHER]: JSON.stringify(claims) };
  const response = await feed.fetch(new Request("https://feed/live", { headers }));
  noteWatcher();
  return response;
}

/** Who has just opened the page wants to see the next request whole, and the feed tells that with the next report only. */
function noteWatcher(): void {
  watched.isWatched = true;
}

/** `GET /dashboard/api/history?minutes=60[&step=1]`. */
export async function history(edge: Authenticated): Promise<Answer> {
  const query = new URLSearchParams(edge.query);
  const minutes = wholeIn(query, "minutes") ?? HISTORY_MINUTES_DEFAULT;
  const step = wholeIn(query, "step");
  for (const [param, value] of Object.entries({ minutes, step })) {
    if (value !== null && !(Number.isSafeInteger(value) && value >= 1 && value <= HISTORY_MINUTES_MAX)) {
      const detail = `${param} must be a whole number of minutes, 1 to ${HISTORY_MINUTES_MAX} (HISTORY_MINUTES_MAX).`;
      return { reason: "invalid_request", param, detail };
    }
  }
  if (!seesAll(edge.identity)) return NARROWED;
  const feed = feedOf(edge.env);
  if (feed === null) return NO_FEED;
  const told = await feed.history({ minutes, step });
  return answerPrivate(
    edge,
    hasAnalytics(varsOf(edge)) ? await fromAnalytics(edge, told) : { ...told, source: "feed" },
  );
}

const varsOf = ({ env }: Authenticated): Readonly<Record<string, unknown>> => env as Readonly<Record<string, unknown>>;

/** The same spans, of the data points; what does not answer is told, and the feed's own figures serve. */
async function fromAnalytics(edge: Authenticated, told: HistoryTold) {
  const { stepMinutes, fromMs, minutes } = told;
  const read = await analyticsHistory(varsOf(edge), { stepMinutes, fromMs, toMs: Date.now() });
  if (read.ok) return { ...told, minutes: withFeed(read.value, minutes), source: "analytics" };
  console.error("charts are drawn of the feed's figures:", read.error);
  return { ...told, source: "feed", problem: read.error };
}

function wholeIn(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  return text === null ? null : /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
}
