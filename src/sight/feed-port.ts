/** The feed as the rest of the house sees it: the only place that knows its binding and its name. */
import type { Report, ReportReply, SeriesDelta } from "./core/report.ts";

/** All that was ever counted. */
export type FeedTotals = {
  readonly series: readonly SeriesDelta[];
  /** Isolates and queues that are known. */
  readonly sources: number;
  /** When the last report came, ms; null: none since the object has started. */
  readonly reportedAtMs: number | null;
};

/** Calls reject when the object cannot be reached. */
export type FeedCalls = {
  /** Answered once what the report counts is kept for good. A report that comes again counts once. */
  report(report: Report): Promise<ReportReply>;
  totals(): Promise<FeedTotals>;
  /** Development only. */
  restart(): void | Promise<void>;
};

type FeedNamespace = { getByName(name: string): FeedCalls };

/** Null where the deployment has no feed bound. */
export function feedOf({ FLEET_FEED }: { readonly FLEET_FEED?: unknown }): FeedCalls | null {
  return FLEET_FEED === undefined ? null : (FLEET_FEED as FeedNamespace).getByName("feed");
}
