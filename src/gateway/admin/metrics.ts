/**
 * `GET /metrics`: the fleet as it is now, in Prometheus' text format, for keys with the scope `admin`.
 *
 * Model. Gauges alone, asked of every shard at the scrape, so that any isolate gives the same true answer. Rejected:
 * counters of requests, which an isolate would count for itself and lose when it ends: a scrape would meet another one
 * each time.
 */
import type { EndpointView } from "../../routing/core/endpoint/endpoint-view.ts";
import type { HeaderRecord } from "../../wire/headers.ts";
import { askFleet } from "./admin.ts";
import type { ShardAnswer } from "../../sight/ask-fleet.ts";
import { dress } from "../../wire/replies.ts";
import type { Authenticated } from "../edge-request.ts";

type Gauge<Of> = { readonly name: string; readonly help: string; readonly value: (of: Of) => number | null };

const SHARD_GAUGES: readonly Gauge<ShardAnswer>[] = [
  { name: "shard_reachable", help: "Did the shard answer", value: ({ reachable }) => Number(reachable) },
  { name: "leases", help: "Requests that hold a slot", value: ({ status }) => status?.liveLeases ?? null },
  { name: "queued", help: "Requests that wait for a slot", value: ({ status }) => status?.queued ?? null },
];

/** With the label `priority`. */
const CLASS_GAUGE: Gauge<number> = {
  name: "queued_in_class",
  help: "Requests of a class that wait for a slot",
  value: (count) => count,
};

const ENDPOINT_GAUGES: readonly Gauge<EndpointView>[] = [
  {
    name: "endpoint_admitting",
    help: "Does it take traffic",
    value: ({ standing }) => Number(standing === "admitting"),
  },
  { name: "endpoint_warm", help: "Is its model loaded", value: ({ warmth }) => Number(warmth === "warm") },
  { name: "endpoint_in_flight", help: "Requests that run there", value: ({ inFlight }) => inFlight },
  { name: "endpoint_capacity", help: "Requests that it serves at once now", value: ({ capacity }) => capacity },
];

export async function metrics(edge: Authenticated): Promise<Response> {
  const shards = await askFleet(edge, false);
  const text = [
    ...SHARD_GAUGES.map((gauge) =>
      lines(
        gauge,
        shards.map((shard) => [labelsOf(shard), shard]),
      ),
    ),
    lines(CLASS_GAUGE, shards.flatMap(classesOf)),
    ...ENDPOINT_GAUGES.map((gauge) => lines(gauge, shards.flatMap(endpointsOf))),
  ].join("");
  const headers: HeaderRecord = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };
  dress(headers, edge.requestId, edge.runtime.config);
  return new Response(text, { headers });
}

/** Ids have no character that a label would have to escape. */
const labelsOf = ({ pool, region }: ShardAnswer): string => `pool="${pool}",region="${region}"`;

const classesOf = (shard: ShardAnswer): (readonly [string, number])[] =>
  Object.entries(shard.status?.queuedBy ?? {}).map(([name, count]) => [`${labelsOf(shard)},priority="${name}"`, count]);

const endpointsOf = (shard: ShardAnswer): (readonly [string, EndpointView])[] =>
  (shard.status?.endpoints ?? []).map((view) => [`${labelsOf(shard)},endpoint="${view.id}"`, view]);

function lines<Of>({ name, help, value }: Gauge<Of>, all: readonly (readonly [labels: string, of: Of])[]): string {
  const samples = all.flatMap(([labels, of]) => {
    const now = value(of);
    return now === null ? [] : [`warmpath_${name}{${labels}} ${now}\n`];
  });
  return `# HELP warmpath_${name} ${help}.\n# TYPE warmpath_${name} gauge\n${samples.join("")}`;
}
