/**
 * `POST /admin/explain`: the decision that a request would meet now, asked of the shard that it would ask. A shard that
 * does not answer is explained as well: by its last snapshot in this isolate, or by the configuration.
 *
 * An operator can wait, so the shard is given longer than a request would give it; `shardMs` beside `patienceMs` tells
 * whether a request would have been decided without it.
 */
import { homeRegion, viewsAlone } from "../../routing/core/lease-client/edge-lease.ts";
import type { LeaseRequest } from "../../routing/core/lease-client/edge-lease.ts";
import { explainAlone } from "../../routing/core/cost/explain.ts";
import type { Explanation, Picture } from "../../routing/core/cost/explain.ts";
import type { Config } from "../../config/config.ts";
import { shareOf } from "../../dispatch/core/split.ts";
import { shardName } from "../../routing/core/shard-name.ts";
import { readExplainBody } from "./explain-request.ts";
import type { ExplainBody } from "./explain-request.ts";
import { askShard } from "../../sight/ask-fleet.ts";
import { parseJson } from "../../wire/body.ts";
import type { Answer } from "../../wire/refusal.ts";
import { answerJson } from "../edge-request.ts";
import type { Authenticated } from "../edge-request.ts";
import { unknownPool } from "../../wire/not-found.ts";
import type { Runtime } from "../../dispatch/runtime.ts";
import { keyOf, placeOf } from "../place.ts";
import { readBody } from "../read-body.ts";

/** The largest question there can be is a list of endpoint ids. Bytes. */
const EXPLAIN_BODY_BYTES_MAX = 65_536;

export async function explain(edge: Authenticated): Promise<Answer> {
  const { runtime } = edge;
  const { config } = runtime;
  const bytes = await readBody(edge, EXPLAIN_BODY_BYTES_MAX);
  if (!bytes.ok) return bytes.error;
  const json = parseJson(bytes.value);
  if (json === null) return { reason: "invalid_json" };
  const read = readExplainBody(json, config);
  if (!read.ok) {
    const { reason, param, problem } = read.error;
    return { reason, detail: problem, ...(param === null ? {} : { param }) };
  }
  const leaseRequest = leaseRequestOf(edge, read.value);
  if (leaseRequest === null) return unknownPool(read.value.pool.id, config);
  if (leaseRequest.pool.endpoints.length === 0) return { reason: "jobs_only" };
  const shard = shardName(leaseRequest.pool.id, homeRegion(leaseRequest));
  const { client, clientKey, inputTokens, excluded } = leaseRequest;
  const askedAtMs = Date.now();
  const { priority } = read.value;
  const adapter = leaseRequest.adapter ?? null;
  const question = { client, clientKey, inputTokens, excluded, priority, adapter };
  const asked = await askShard(edge.shardOf(shard), async (stub) => stub.explain(question));
  const told = asked.ok ? asked.value : null;
  return answerJson(edge, {
    pool: leaseRequest.pool.id,
    shard,
    client,
    clientKey,
    inputTokens,
    excluded,
    priority,
    ...(adapter === null ? {} : { adapter }),
    shardMs: told === null ? null : Date.now() - askedAtMs,
    patienceMs: read.value.pool.patienceMs,
    ...besideOf(config, read.value),
    ...(told ?? alone(runtime, leaseRequest)),
  });
}

/** Where the request goes beside this pool; nothing of it where the config says nothing. */
function besideOf({ splits }: Config, { pool: { fallback, shadow }, model }: ExplainBody) {
  const sides = splits.get(model ?? "");
  return {
    ...(sides === undefined
      ? {}
      : { split: sides.map(({ poolId, weight }) => ({ pool: poolId, weight, share: shareOf(sides, poolId) })) }),
    ...(fallback.length === 0 ? {} : { fallback }),
    ...(shadow === undefined ? {} : { shadow: { pool: shadow.pool, percent: shadow.percent } }),
  };
}

/** Null when another deployment's config is being read: the pool has gone since. */
function leaseRequestOf(edge: Authenticated, asked: ExplainBody): LeaseRequest | null {
  const { pool, place, inputTokens, excluded, model } = asked;
  const adapter = pool.adapters.find((name) => name === model) ?? null;
  const { runtime } = edge;
  const spec = runtime.pools.get(pool.id)?.spec;
  if (spec === undefined) return null;
  const own = placeOf(edge.request, runtime, edge.dev);
  const { place: client, key: clientKey } = place === null ? own : { place, key: keyOf(place) };
  return { pool: spec, client, clientKey, inputTokens, excluded, adapter, explain: true };
}

function alone(runtime: Runtime, leaseRequest: LeaseRequest): Explanation {
  const { views, snapshot } = viewsAlone(runtime.leaseCache, leaseRequest);
  const ageMs = snapshot === null ? 0 : Date.now() - snapshot.atMs;
  const digests = Object.entries(snapshot?.set.digestAgesMs ?? {});
  const picture: Picture = {
    source: snapshot === null ? "static" : "snapshot",
    region: snapshot?.set.region ?? null,
    ageMs,
    digestAgesMs: Object.fromEntries(digests.map(([region, thenMs]) => [region, thenMs + ageMs])),
  };
  return explainAlone(views, leaseRequest, picture, Math.random);
}
