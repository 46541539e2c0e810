/**
 * `DELETE /admin/tenants/{id}/data[?usage=delete]`: erases what is stored of a tenant: its files and batches, and what
 * it has in every pool's queue, in the feed and, where it is asked for, in its ledger.
 *
 * What was used is kept unless the order says otherwise: bills and books need the sums, and they have no prompt. Keys are
 * not touched (they are revoked), nor is the record of orders, this one among them. Shards keep sessions and prefixes
 * under keyed hashes, in memory alone and for minutes: nobody can tell whose they are.
 */
import { ledgerOf } from "../../tenants/ledger-of.ts";
import { filesOf } from "../../files/calls.ts";
import { feedOf } from "../../sight/feed-port.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import { answerJson } from "../edge-request.ts";
import type { Authenticated } from "../edge-request.ts";
import { queueOf } from "../jobs-api/queue.ts";

const TENANT_CHARS_MAX = 200;

const NO_TENANT: Refusal = { reason: "invalid_request", detail: "Name a tenant in the path." };
const WRONG_USAGE: Refusal = { reason: "invalid_request", param: "usage", detail: "usage must be keep or delete." };

export async function eraseTenantData(edge: Authenticated, segment: string): Promise<Answer> {
  const tenant = decodeURIComponent(segment);
  if (tenant === "" || tenant.length > TENANT_CHARS_MAX) return NO_TENANT;
  const usage = new URLSearchParams(edge.query).get("usage") ?? "keep";
  if (usage !== "keep" && usage !== "delete") return WRONG_USAGE;
  const unreached: string[] = [];
  const reach = async <Value>(name: string, call: () => Promise<Value>): Promise<Value | null> => {
    try {
      return await call();
    } catch (error) {
      console.error(`${edge.requestId}: ${name} did not erase`, error);
      unreached.push(name);
      return null;
    }
  };
  // First, because a batch makes jobs.
  const stored = filesOf(edge.env, tenant);
  const files = stored === null ? null : await reach("files", async () => stored.call("erase", null));
  const pools = await Promise.all(
    Array.from(edge.runtime.pools.keys(), async (pool) => {
      const queue = queueOf(edge, pool);
      return { pool, erased: queue === null ? null : await reach(`jobs:${pool}`, async () => queue.erase(tenant)) };
    }),
  );
  const isAll = usage === "delete";
  const feed = feedOf(edge.env);
  const feedErased = feed === null ? null : await reach("feed", async () => feed.erase(tenant, isAll));
  const ledger = isAll ? ledgerOf(edge.env, tenant) : null;
  const usageRows = ledger === null ? null : await reach("ledger", async () => ledger.erase());
  return answerJson(edge, {
    tenant,
    isComplete: unreached.length === 0,
    unreached,
    files,
    pools,
    feed: feedErased,
    usage: usage === "keep" ? "kept" : { rows: usageRows },
  });
}
