/** Decides what a client is told when the input rails refuse its request: by what they found, or why they could not read it. */
import { unreadIn } from "../rails/core/rail.ts";
import type { UnseenReason } from "../rails/core/rail.ts";
import type { Checked } from "../rails/check.ts";
import type { PoolConfig } from "../config/config.ts";
import type { Refusal } from "../wire/refusal.ts";
import { textLimit } from "./text-limit.ts";

/** What no rail reads, whatever is in it. */
const OF_ITS_TYPE: ReadonlySet<string> = new Set<UnseenReason>(["not_json", "media"]);

export function blocked({ verdict }: Checked, { id, rails }: PoolConfig): Refusal {
  const [rail] = verdict.blockedBy;
  const unfinished = verdict.skipped.find(({ rail: name }) => name === rail);
  if (unfinished?.status === "unread") {
    const unread = unreadIn(verdict.reasons);
    return {
      reason: unread.some((why) => OF_ITS_TYPE.has(why)) ? "guardrail_unread_type" : "guardrail_unread",
      detail: `The guardrail "${rail}" must read the whole request and cannot (${unread.join(", ")}). Send text as JSON in UTF-8.`,
    };
  }
  if (unfinished?.status === "budget") {
    const detail = `The guardrail "${rail}" cannot read as much text in its time (its timeoutMs in pool "${id}"). Send a shorter one.`;
    return { reason: "body_too_large", detail };
  }
  if (unfinished !== undefined) return { reason: "guardrail_unavailable" };
  const blocking = rails.input.filter(({ name }) => verdict.blockedBy.includes(name));
  const tooLong = textLimit(verdict.reasons, blocking, id);
  if (tooLong !== null) return { reason: "body_too_large", detail: tooLong };
  return {
    reason: "blocked_by_guardrail",
    detail: `The guardrail "${verdict.blockedBy.join('", "')}" refused this request. Change its content before you send it again.`,
  };
}
