/** The feed as the rest of the house sees it: the only place that knows its binding and its name. */
import type { FeedFrame } from "./core/frame.ts";
import type { HistoryPoint } from "./core/history-point.ts";
import type { RequestRecord } from "./core/record.ts";
import type { Report, ReportReply, SeriesDelta } from "./core/report.ts";

/** All that was ever counted. */
export type FeedTotals = {
  readonly series: readonly SeriesDelta[];
  /** Isolates and queues that are known. */
  readonly sources: number;
  /** When the last report came, ms; null: none since the object has started. */
  readonly reportedAtMs: number | null;
};

export type HistoryAsked = {
  readonly minutes: number;
  /** Minutes in one point; null: as few as an answer has room for. */
  readonly step: number | null;
};

/** `minutes`: the points, the oldest first; spans without any report have none. */
export type HistoryTold = {
  readonly stepMinutes: number;
  /** Where the oldest of them may begin, ms. */
  readonly fromMs: number;
  readonly minutes: readonly HistoryPoint[];
};

export type FeedErased = { readonly decisions: number; readonly series: number };

/** The header by which the edge says whose socket it is: the claims of a session (`session.ts`), as JSON. */
export const WATCHER = "watcher";

/** Calls reject when the object cannot be reached. */
export type FeedCalls = {
  /** Answered once what the report counts is kept for good. A report that comes again counts once. */
  report(report: Report): Promise<ReportReply>;
  totals(): Promise<FeedTotals>;
  /** What the dashboard draws, at this instant. */
  snapshot(): Promise<FeedFrame<RequestRecord>>;
  history(asked: HistoryAsked): Promise<HistoryTold>;
  /** Counts an attempt to sign in by who makes it; null: it may be made. Else how long until one may, ms. */
  attempt(bucket: string): Promise<number | null>;
  /** A hibernatable socket of whom `WATCHER` names. */
  fetch(request: Request): Promise<Response>;
  /** Forgets a tenant's decisions, and with `withSums` what was counted of it. */
  erase(tenant: string, withSums: boolean): Promise<FeedErased>;
  /** Development only. */
  restart(): void | Promise<void>;
};

type FeedNamespace = { getByName(name: string): FeedCalls };

/** Null where the deployment has no feed bound. */
export function feedOf({ FLEET_FEED }: { readonly FLEET_FEED?: unknown }): FeedCalls | null {
  return FLEET_FEED === undefined ? null : (FLEET_FEED as FeedNamespace).getByName("feed");
}
