/**
 * `GET /metrics`: what was counted and how the fleet is now, in Prometheus' text format or OpenMetrics', for keys with
 * the scope `admin`.
 *
 * Model. Counters are the feed's, which adds up what every isolate counts; gauges are asked of every shard at the
 * scrape. So any isolate gives the same true answer. Without a feed there are gauges alone, and `warmpath_feed_up` is 0.
 * Rejected: counters of an isolate's own, which it would lose when it ends: a scrape would meet another one each time.
 */
import type { EndpointView } from "../../routing/core/endpoint/endpoint-view.ts";
import type { HeaderRecord } from "../../wire/headers.ts";
import { CONTENT_TYPES, expose, formatFor } from "../../sight/core/exposition.ts";
import type { Family, Series } from "../../sight/core/exposition.ts";
import { COUNTED, NOW, OWN } from "../../sight/core/metric-names.ts";
import type { Metric } from "../../sight/core/metric-names.ts";
import { readKey } from "../../sight/core/tally.ts";
import { askQueues } from "../../sight/ask-queues.ts";
import type { QueueAnswer } from "../../sight/ask-queues.ts";
import { feedOf } from "../../sight/feed-port.ts";
import type { FeedTotals } from "../../sight/feed-port.ts";
import { askFleet } from "./admin.ts";
import type { ShardAnswer } from "../../sight/ask-fleet.ts";
import { askInTime } from "../../sight/ask-in-time.ts";
import { dress } from "../../wire/replies.ts";
import type { Authenticated } from "../edge-request.ts";

export async function metrics(edge: Authenticated): Promise<Response> {
  const feed = feedOf(edge.env);
  const [shards, queues, totals] = await Promise.all([
    askFleet(edge, false),
    askQueues(edge.env, edge.runtime.config),
    feed === null ? null : askInTime(async () => feed.totals()),
  ]);
  const counted = totals?.ok === true ? totals.value : null;
  const format = formatFor(edge.request.headers.get("accept"));
  const families = [...feedFamilies(counted), ...shardFamilies(shards), ...queueFamilies(queues)];
  const headers: HeaderRecord = { "content-type": CONTENT_TYPES[format] };
  dress(headers, edge.requestId, edge.runtime.config);
  return new Response(expose(families, format), { headers });
}

function feedFamilies(totals: FeedTotals | null): readonly Family[] {
  if (totals === null) return [only(NOW.feedUp, 0)];
  const byMetric = new Map<Metric, Series[]>(
    [...Object.values(COUNTED), ...Object.values(OWN)].map((metric) => [metric, []]),
  );
  for (const [key, values] of totals.series) {
    const name = readKey(key);
    if (name !== null) byMetric.get(name.metric)?.push({ labels: name.labels, values });
  }
  return [
    only(NOW.feedUp, 1),
    only(NOW.sources, totals.sources),
    ...(totals.reportedAtMs === null ? [] : [only(NOW.reportAge, (Date.now() - totals.reportedAtMs) / 1_000)]),
    ...[...byMetric].map(([metric, series]) => ({ metric, series: series.length > 0 ? series : begun(metric) })),
  ];
}

/**
 * A counter of which there is one series begins at 0: one that first shows itself as 1 has not risen, to Prometheus. What has
 * labels cannot be told before it is there.
 */
const begun = ({ kind, labels }: Metric): readonly Series[] =>
  kind === "counter" && labels.length === 0 ? [{ labels: [], values: [0] }] : [];

const only = (metric: Metric, value: number): Family => ({ metric, series: [{ labels: [], values: [value] }] });

/** How a gauge is read of what a shard, or an endpoint of it, says; null: it does not say. */
type Reading<Of> = readonly [metric: Metric, value: (of: Of) => number | null];

const SHARD_GAUGES: readonly Reading<ShardAnswer>[] = [
  [NOW.shardReachable, ({ reachable }) => Number(reachable)],
  [NOW.leases, ({ status }) => status?.liveLeases ?? null],
  [NOW.queued, ({ status }) => status?.queued ?? null],
  [NOW.retryBudget, ({ status }) => status?.budgets?.retry ?? null],
  [NOW.refusedRequests, ({ status }) => status?.poison?.filter(({ refusedForMs }) => refusedForMs > 0).length ?? null],
  [NOW.hedgeBudget, ({ status }) => status?.budgets?.hedge ?? null],
];

const ENDPOINT_GAUGES: readonly Reading<EndpointView>[] = [
  [NOW.admitting, ({ standing }) => Number(standing === "admitting")],
  [NOW.warm, ({ warmth }) => Number(warmth === "warm")],
  [NOW.inFlight, ({ inFlight }) => inFlight],
  [NOW.capacity, ({ capacity }) => capacity],
  [NOW.ejected, ({ standing }) => Number(standing === "ejected")],
  [NOW.draining, ({ standing }) => Number(standing === "draining")],
  [NOW.prefillWork, ({ workTokens }) => workTokens ?? null],
  [NOW.prefillSpeed, ({ prefillTokensPerMs }) => prefillTokensPerMs * 1_000],
  [NOW.occupancy, ({ occupancyMs }) => occupancyMs / 1_000],
  [NOW.failureProbability, ({ failureProbability }) => failureProbability],
  [NOW.kvUsed, ({ kvUsed }) => kvUsed ?? null],
  [NOW.kvMax, ({ kvMax }) => kvMax ?? null],
];

function shardFamilies(shards: readonly ShardAnswer[]): readonly Family[] {
  const own = shards.map((shard) => [[shard.pool, shard.region], shard] as const);
  const classes = own.flatMap(([labels, { status }]) =>
    Object.entries(status?.queuedBy ?? {}).map(([name, count]) => ({ labels: [...labels, name], values: [count] })),
  );
  const endpoints = own.flatMap(([labels, { status }]) =>
    (status?.endpoints ?? []).map((view) => [[...labels, view.id], view] as const),
  );
  return [
    ...SHARD_GAUGES.map((reading) => readAll(reading, own)),
    { metric: NOW.queuedInClass, series: classes },
    ...ENDPOINT_GAUGES.map((reading) => readAll(reading, endpoints)),
  ];
}

function queueFamilies(queues: readonly QueueAnswer[]): readonly Family[] {
  const known = queues.flatMap(({ pool, summary }) => (summary === null ? [] : [{ pool, ...summary }]));
  const byName = (
    metric: Metric,
    valuesOf: (of: (typeof known)[number]) => Readonly<Record<string, number>>,
  ): Family => ({
    metric,
    series: known.flatMap((of) =>
      Object.entries(valuesOf(of)).map(([name, value]) => ({ labels: [of.pool, name], values: [value] })),
    ),
  });
  const each = (reading: Reading<(typeof known)[number]>): Family =>
    readAll(
      reading,
      known.map((of) => [[of.pool], of] as const),
    );
  return [
    readAll(
      [NOW.queueReachable, ({ summary }) => Number(summary !== null)],
      queues.map((queue) => [[queue.pool], queue] as const),
    ),
    byName(NOW.jobs, ({ byState: { queued, running, retrying } }) => ({ queued, running, retrying })),
    each([NOW.jobsDead, ({ dead }) => dead]),
    each([
      NOW.jobsOldest,
      ({ oldestQueuedSinceMs: sinceMs }) => (sinceMs === null ? null : Math.max(0, Date.now() - sinceMs) / 1_000),
    ]),
    byName(NOW.jobsMode, ({ mode }) => ({ [mode]: 1 })),
    byName(NOW.jobsEnded, ({ totals: { completed, failed } }) => ({ completed, failed })),
    each([NOW.jobsRetried, ({ totals }) => totals.retried]),
  ];
}

function readAll<Of>(
  [metric, value]: Reading<Of>,
  all: readonly (readonly [labels: readonly string[], of: Of])[],
): Family {
  const series = all.flatMap(([labels, of]) => {
    const now = value(of);
    return now === null ? [] : [{ labels, values: [now] }];
  });
  return { metric, series };
}
