/**
 * Has every order of an operator recorded: what is asked before anything is done, and how it ended. Whatever needs the
 * scope `admin` and is no read comes through here, whichever route it is, so that a new one cannot be forgotten.
 *
 * Where no registry is bound there is nowhere to record: such a deployment's orders are lines of its log, as before.
 */
import type { Actor, AuditEntry, AuditOutcome } from "../../access/core/audit.ts";
import { callRegistry, hasRegistry } from "../../access/registry-stub.ts";
import { addressOf } from "../../access/within.ts";
import type { Answer } from "../../wire/refusal.ts";
import type { Identity } from "../../wire/api-keys.ts";
import type { Authenticated, EdgeRequest, Told } from "../edge-request.ts";

/** They ask by POST, and change nothing; what a model answered is in no record. */
const READS: ReadonlySet<string> = new Set(["/admin/explain", "/dashboard/api/try"]);
/** A longer answer is not read for its record. */
const ANSWER_CHARS_MAX = 65_536;

export async function recorded(edge: Authenticated, act: (edge: Authenticated) => Promise<Answer>): Promise<Answer> {
  if (READS.has(edge.path)) return act(edge);
  const asked = await record(edge, { outcome: "asked", of: null, before: null, after: null });
  if (asked === null && hasRegistry(edge.env) && edge.runtime.config.admin.unrecorded === "refuse") {
    return { reason: "not_recorded" };
  }
  const told: Told = { of: asked, before: null, after: undefined, isEnded: false };
  let outcome: AuditOutcome = "failed";
  try {
    const answer = await act({ ...edge, told });
    outcome = answer instanceof Response && answer.ok ? "done" : "refused";
    told.after ??= answer instanceof Response ? await jsonOf(answer) : { reason: answer.reason };
    return answer;
  } finally {
    const { of, before, after, isEnded } = told;
    if (!isEnded) await record(edge, { outcome, of, before, after });
  }
}

/**
 * An event that comes by no order, such as a sign-in, also one that failed: whoever calls this bounds how often. Resolves
 * to whether what it tells of may be done.
 */
export async function recordEvent(
  edge: EdgeRequest & { readonly identity?: Identity },
  event: Pick<AuditEntry, "action" | "outcome" | "after">,
): Promise<boolean> {
  const entry: AuditEntry = { ...event, actor: actorOf(edge), of: null, before: null };
  if (!hasRegistry(edge.env) || (await callRegistry(edge.env, "record", entry)).ok) return true;
  console.warn(`not on record: ${event.action} ${event.outcome}, ${edge.requestId}`);
  return edge.runtime.config.admin.unrecorded === "allow";
}

/** The number of the record; null: it could not be written, and is a line of the log. */
async function record(edge: Authenticated, rest: Pick<AuditEntry, "outcome" | "of" | "before" | "after">) {
  const entry: AuditEntry = { actor: actorOf(edge), action: actionOf(edge), ...rest };
  const written = await callRegistry(edge.env, "record", entry);
  if (written.ok) return written.value;
  const { keyId, tenant, requestId } = entry.actor;
  console.warn(`not on record: ${entry.action} ${entry.outcome} by ${keyId} of ${tenant}, ${requestId}`);
  return null;
}

export const actionOf = ({ request, path }: Pick<Authenticated, "request" | "path">): string =>
  `${request.method} ${path}`;

export function actorOf(
  edge: Pick<Authenticated, "request" | "env" | "requestId"> & { readonly identity?: Authenticated["identity"] },
): Actor {
  const { keyId = "", tenant = "", subject = null } = edge.identity ?? {};
  return { keyId, tenant, subject, address: addressOf(edge), requestId: edge.requestId };
}

async function jsonOf(answer: Response): Promise<unknown> {
  if (answer.headers.get("content-type") !== "application/json") return { status: answer.status };
  const text = await answer.clone().text();
  return text.length <= ANSWER_CHARS_MAX ? JSON.parse(text) : { status: answer.status };
}
