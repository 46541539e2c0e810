/**
 * Decides how a request stands in line where slots are scarce: its class, whose it is, and how long its client waits.
 *
 * Model. The class is `x-warmpath-priority`, ours, or the urgency of `Priority` (RFC 9218), which browsers and HTTP
 * clients send by themselves: so the second, where it cannot be read, is ignored as its RFC says, and the first is
 * refused. Everyone may lower; above `priorityMax` of its key nobody is raised, else whoever asks loudest goes first.
 * The sender is the tenant and its session, under the keyed hash that affinity uses. How long a client waits is told
 * by our own header, else by Stainless' SDKs (openai, anthropic); it only ever shortens what the deployment allows. Source: docs/reference/sources.md, Fairness. Rejected: the body's `priority`, an
 * engine's own, which passes unread.
 */
import { keyedHash } from "../lib/keyed-hash.ts";
import type { HashKey } from "../lib/keyed-hash.ts";
import type { Sender } from "../routing/core/shard/fair-shares.ts";
import { PRIORITIES, PRIORITY_DEFAULT, rankOf } from "../routing/core/shard/priority.ts";
import type { Priority } from "../routing/core/shard/priority.ts";
import { PRIORITY, SDK_TIMEOUTS, TIMEOUT, URGENCY } from "../wire/headers.ts";
import type { Refusal } from "../wire/refusal.ts";
import { sessionKeyOf } from "./session-key.ts";

export type InLine = {
  readonly priority: Priority;
  readonly sender: Sender;
  /** When the client gives up, epoch ms; absent: it does not say. */
  readonly clientGivesUpAtMs?: number;
};

export type LineAsked = {
  readonly headers: Headers;
  /** The parsed body; null when it is not JSON. */
  readonly json: unknown;
  readonly tenant: string;
  /** The highest class that its key may ask for. */
  readonly priorityMax: Priority;
  readonly startedAtMs: number;
  /** What a client says beyond it counts as this. */
  readonly clientTimeoutMsMax: number;
};

const NO_SUCH_CLASS: Refusal = {
  reason: "invalid_request",
  detail: `The header ${PRIORITY} must be one of ${PRIORITIES.join(", ")}.`,
  param: PRIORITY,
};

/** Longest time that a header may name, s: a day. */
export const TIMEOUT_S_MAX = 86_400;

const NO_SUCH_TIME: Refusal = {
  reason: "invalid_request",
  detail: `The header ${TIMEOUT} must be seconds, above 0 to ${TIMEOUT_S_MAX}, such as 30 or 2.5.`,
  param: TIMEOUT,
};

/** A refusal: one of our own headers says what there is not. */
export function inLineOf(secret: HashKey, asked: LineAsked): InLine | Refusal {
  const { headers, json, tenant, priorityMax, startedAtMs, clientTimeoutMsMax } = asked;
  const priority = askedFor(headers);
  if (priority === null) return NO_SUCH_CLASS;
  const session = sessionKeyOf(secret, tenant, headers, json);
  const named = headers.get(TIMEOUT);
  const saidMs = named === null ? sdkTimeoutMs(headers) : timeoutMs(named);
  if (saidMs === null && named !== null) return NO_SUCH_TIME;
  const waitsMs = saidMs === null ? null : Math.min(saidMs, clientTimeoutMsMax);
  return {
    priority: rankOf(priority) < rankOf(priorityMax) ? priorityMax : priority,
    sender: { tenant: keyedHash(secret, `t ${tenant}`), ...(session === null ? {} : { session }) },
    ...(waitsMs === null ? {} : { clientGivesUpAtMs: startedAtMs + waitsMs }),
  };
}

function askedFor(headers: Headers): Priority | null {
  const named = headers.get(PRIORITY);
  if (named !== null) return PRIORITIES.find((one) => one === named.trim().toLowerCase()) ?? null;
  const urgency = urgencyOf(headers.get(URGENCY));
  if (urgency === null || urgency === URGENCY_DEFAULT) return PRIORITY_DEFAULT;
  return urgency < URGENCY_DEFAULT ? "high" : "low";
}

const URGENCY_DEFAULT = 3;

/** A structured field is short; what is longer than this is none. */
const URGENCY_CHARS_MAX = 256;

/** `u` of a dictionary (RFC 9651), of which the last one counts; null: none that is one. */
function urgencyOf(value: string | null): number | null {
  if (value === null || value.length > URGENCY_CHARS_MAX) return null;
  let urgency: number | null = null;
  for (const member of value.split(",")) {
    const [, digit] = /^\s*u=(-?[0-9]+)(?:\s*;.*)?\s*$/.exec(member) ?? [];
    if (digit !== undefined) urgency = /^[0-7]$/.test(digit) ? Number(digit) : null;
  }
  return urgency;
}

/** An SDK that was given less than a second says 0, which is no answer's time. */
function sdkTimeoutMs(headers: Headers): number | null {
  for (const name of SDK_TIMEOUTS) {
    const value = headers.get(name);
    if (value !== null) return timeoutMs(value);
  }
  return null;
}

/** Null: no time, none at all, or beyond TIMEOUT_S_MAX. */
function timeoutMs(value: string): number | null {
  if (!/^[0-9]{1,6}(?:\.[0-9]{1,6})?$/.test(value.trim())) return null;
  const seconds = Number(value);
  return seconds > 0 && seconds <= TIMEOUT_S_MAX ? Math.ceil(seconds * 1_000) : null;
}
