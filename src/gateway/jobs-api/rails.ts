/**
 * A job's input meets the rails of its pool when it is submitted, and is stored as they leave it.
 *
 * Of a body in Runpod's form only `input` is read. `webhook`, `s3Config` and `policy` are what the client tells this
 * service and the GPU worker, no model sees them, and they hold keys because they must: a rail that redacts secrets would
 * leave a webhook that nobody receives and a bucket that nobody can write to. A key inside of `input` is model text.
 */
import { ALL_READ } from "../../rails/core/rail.ts";
import type { TextPart, Unread } from "../../rails/core/rail.ts";
import { beginCheck } from "../../rails/input-rails.ts";
import type { Authenticated } from "../edge-request.ts";
import { blocked } from "../blocked.ts";
import type { EdgePool } from "../../dispatch/runtime.ts";
import type { Refusal } from "../../wire/refusal.ts";

export type Railed =
  /** The same object unless a rail had text redacted. */
  { readonly kind: "passed"; readonly body: unknown } | { readonly kind: "refused"; readonly refusal: Refusal };

/**
 * `body`: the parsed body as the client sent it; null when it is not JSON. `unread`: what of it no rail can read; nothing
 * where what is kept of it is written anew from what was parsed. `beside`: what is kept beside it.
 */
export async function checkJob(
  edge: Authenticated,
  pool: EdgePool,
  body: unknown,
  unread: Unread = ALL_READ,
  beside: readonly TextPart[] = [],
): Promise<Railed> {
  const check = await beginCheck(edge, pool, {
    requestId: edge.requestId,
    tenant: edge.identity.tenant,
    body,
    hasBody: true,
    bodyBytesMax: Infinity,
    unread: () => unread,
    everyMember: true,
    beside,
    clientGone: edge.request.signal,
  });
  if (check === null) return { kind: "refused", refusal: { reason: "misconfigured" } };
  const isBlocked = check.inside.verdict.verdict === "block";
  if (isBlocked) check.stop();
  const checked = isBlocked || check.outside === null ? check.inside : await check.outside;
  if (checked.verdict.verdict === "block") {
    return { kind: "refused", refusal: blocked(checked, pool.config) };
  }
  return { kind: "passed", body: checked.body };
}

/** A body in Runpod's form, with its `input` as the rails leave it; the same object unless text was redacted. */
export async function checkRun(edge: Authenticated, pool: EdgePool, body: object): Promise<Railed> {
  const read = { input: (body as { readonly input?: unknown }).input };
  const railed = await checkJob(edge, pool, read);
  if (railed.kind === "refused" || railed.body === read)
    return railed.kind === "refused" ? railed : { ...railed, body };
  return { kind: "passed", body: { ...body, ...(railed.body as typeof read) } };
}
