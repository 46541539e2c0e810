/**
 * Decides when an operator is told that something is wrong, and that it is well again: once each, and a reminder now and
 * then while it lasts.
 *
 * Model. A look measures subjects (a pool, a key, a tenant) by rules; a measure says `bad`, `well`, `between` or
 * `unknown`. An alert is a latch for each rule and subject: it closes when the measure has been bad for as long as the rule
 * says, and opens when it is well. Between the two thresholds nothing changes, so that a value that swings about one of
 * them does not tell at every look; nor does what nobody knows change anything: unknown is neither bad nor good. A
 * subject that is not there any more (its pool left the config) is over.
 * An event has the same id at every delivery, made of the alert's beginning, so that a receiver can drop repeats.
 * Rejected: a rate of change, which a quiet fleet has at its first failure; an alert for each endpoint, since what one
 * loses others serve; forgetting an alert that has no traffic any more, which would tell the same outage twice.
 */

export type AlertKind =
  | "error_share"
  | "first_token_late"
  | "no_endpoint"
  | "capacity_lost"
  | "budget_exhausted"
  | "cold_start_storm"
  | "request_refused"
  | "queue_old"
  | "key_expiring"
  | "spend_near_cap";

export type Level = "bad" | "well" | "between" | "unknown";

export type Measure = {
  readonly kind: AlertKind;
  /** A pool, a key or a tenant, by its id. */
  readonly subject: string;
  readonly level: Level;
  /** Has to be bad for so long, ms. */
  readonly forMs: number;
  /** What was measured, in the unit of the limit; null: not known. */
  readonly value: number | null;
  readonly limit: number;
  /** One sentence for a person. */
  readonly text: string;
};

/** An alert that is about to be, or is. To be kept over restarts. */
export type Alert = {
  readonly kind: AlertKind;
  readonly subject: string;
  /** Since when it is bad, ms. */
  readonly sinceMs: number;
  /** When it was told; null: not yet. */
  readonly raisedAtMs: number | null;
  /** When it was last told. */
  readonly toldAtMs: number | null;
  readonly reminders: number;
};

export type AlertPhase = "raised" | "reminded" | "resolved";

export type AlertEvent = {
  /** The same over all its deliveries. */
  readonly id: string;
  readonly phase: AlertPhase;
  readonly kind: AlertKind;
  readonly subject: string;
  readonly sinceMs: number;
  readonly atMs: number;
  readonly value: number | null;
  readonly limit: number;
  readonly text: string;
};

export type Alerts = ReadonlyMap<string, Alert>;

export type AlertLook = { readonly alerts: Alerts; readonly events: readonly AlertEvent[] };

/** Alerts that are kept at once: a config has no more pools and keys than that. */
export const ALERTS_MAX = 2_000;

const keyOf = ({ kind, subject }: Pick<Alert, "kind" | "subject">): string => `${kind}:${subject}`;

/** `repeatMs`: between two reminders. */
export function lookAtAlerts(
  before: Alerts,
  measures: readonly Measure[],
  { repeatMs }: { readonly repeatMs: number },
  now: number,
): AlertLook {
  const alerts = new Map<string, Alert>();
  const events: AlertEvent[] = [];
  const seen = new Set<string>();
  let room = ALERTS_MAX - before.size;
  for (const measure of measures) {
    const key = keyOf(measure);
    const known = before.get(key) ?? null;
    // What could not be kept would be told at every look.
    if (seen.has(key) || (known === null && room <= 0)) continue;
    seen.add(key);
    const { alert, phase } = next(known, measure, repeatMs, now);
    if (phase !== null) events.push(eventOf(alert, phase, measure, now));
    if (alert === null || phase === "resolved") continue;
    alerts.set(key, alert);
    if (known === null) room -= 1;
  }
  for (const [key, alert] of before) {
    if (seen.has(key) || alert.raisedAtMs === null) continue;
    events.push(eventOf(alert, "resolved", { value: null, limit: 0, text: "It is not watched any more." }, now));
  }
  return { alerts, events };
}

type Next =
  | { readonly alert: Alert; readonly phase: AlertPhase }
  | { readonly alert: Alert | null; readonly phase: null };

function next(before: Alert | null, { kind, subject, level, forMs }: Measure, repeatMs: number, now: number): Next {
  if (before === null) {
    if (level !== "bad") return { alert: null, phase: null };
    return raisedWhenDue({ kind, subject, sinceMs: now, raisedAtMs: null, toldAtMs: null, reminders: 0 }, forMs, now);
  }
  if (before.raisedAtMs === null) {
    if (level === "well" || level === "between") return { alert: null, phase: null };
    return level === "bad" ? raisedWhenDue(before, forMs, now) : { alert: before, phase: null };
  }
  if (level === "well") return { alert: before, phase: "resolved" };
  const isDue = level === "bad" && now - (before.toldAtMs ?? before.raisedAtMs) >= repeatMs;
  if (!isDue) return { alert: before, phase: null };
  return { alert: { ...before, toldAtMs: now, reminders: before.reminders + 1 }, phase: "reminded" };
}

function raisedWhenDue(alert: Alert, forMs: number, now: number): Next {
  if (now - alert.sinceMs < forMs) return { alert, phase: null };
  return { alert: { ...alert, raisedAtMs: now, toldAtMs: now }, phase: "raised" };
}

function eventOf(
  { kind, subject, sinceMs, raisedAtMs, reminders }: Alert,
  phase: AlertPhase,
  { value, limit, text }: Pick<Measure, "value" | "limit" | "text">,
  now: number,
): AlertEvent {
  const which = phase === "reminded" ? `reminded-${reminders}` : phase;
  const id = `alert.${kind}.${subject}.${raisedAtMs ?? now}.${which}`;
  return { id, phase, kind, subject, sinceMs, atMs: now, value, limit, text };
}
