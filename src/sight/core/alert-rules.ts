/**
 * Decides what each rule of the config finds: is it bad, is it well, or is it not known.
 *
 * Model. A rule has a threshold at which it is bad, and one at which it is well again, a part of the first. Shares need a
 * minimum of samples in the window; with fewer nothing is known. Of a pool of which a shard did not answer
 * only what is certain without it is told. A rule that is null in the config measures nothing, so what it had told
 * is resolved.
 */
import { lateFirstTokens, within } from "./alert-window.ts";
import type { Window } from "./alert-window.ts";
import type { AlertKind, Level, Measure } from "./alerts.ts";

export type AlertRules = {
  readonly windowMs: number;
  readonly samplesMin: number;
  /** Share of requests that were not served, of those that the client is not at fault for; null: not watched, as below. */
  readonly errorShare: number | null;
  /** Objective of the time to first token at p95, ms. */
  readonly firstTokenMs: number | null;
  /** No endpoint has taken traffic for so long. */
  readonly noEndpointMs: number | null;
  /** Share of a pool's endpoints below which capacity is lost. */
  readonly capacityShare: number | null;
  /** A budget has paid for nothing for so long. */
  readonly budgetMs: number | null;
  /** Requests in the window that had to wait for a cold start. */
  readonly coldStarts: number | null;
  readonly queueOlderThanMs: number | null;
  /** Requests that are refused because endpoints ended under them. */
  readonly refusedRequests: number | null;
  /** Days before its end at which a key is told of. */
  readonly keyDays: number | null;
  /** Share of a cap at which spending is told of. */
  readonly spendShare: number | null;
};

/** What a look found; null: not known. */
export type AlertSight = {
  readonly window: Window;
  readonly pools: readonly PoolSight[];
  readonly keys: readonly KeySight[];
  readonly spends: readonly SpendSight[];
};

/** `expiresAtMs` null: it was told of, and who keeps it does not answer. */
export type KeySight = { readonly id: string; readonly expiresAtMs: number | null };

/** Of a tenant's cap, or of one of its keys'. `share` null: its ledger does not answer. */
export type SpendSight = {
  readonly tenant: string;
  readonly key: string | null;
  readonly period: "day" | "month";
  readonly share: number | null;
};

/** What an alert of it is about. In no id is a slash. */
const spendSubject = ({ tenant, key }: Pick<SpendSight, "tenant" | "key">): string =>
  key === null ? tenant : `${tenant}/${key}`;

export function readSpendSubject(subject: string): readonly [tenant: string, key: string | null] {
  const [tenant = "", key = null] = subject.split("/");
  return [tenant, key];
}

export type PoolSight = {
  readonly pool: string;
  /** Endpoints that an operator has not taken out. */
  readonly endpoints: number | null;
  /** Those that take traffic. */
  readonly admitting: number | null;
  /** Second attempts that the scarcest budget could pay for. */
  readonly budget: number | null;
  /** Requests that are refused because endpoints ended under them. */
  readonly refused: number | null;
  /** How long the longest waiting job has waited, ms; 0: none waits. */
  readonly oldestQueuedMs: number | null;
};

/** What p95 leaves out. */
const LATE_SHARE = 0.05;
/** Of a threshold: where a share is well again. */
const WELL_SHARE = 0.5;
const DAY_MS = 86_400_000;
/** Capacity comes and goes while a GPU worker starts. */
const CAPACITY_FOR_MS = 60_000;

export function measuresOf(sight: AlertSight, rules: AlertRules, now: number): readonly Measure[] {
  return [
    ...sight.pools.flatMap((pool) => poolMeasures(pool, sight.window, rules)),
    ...keyMeasures(sight.keys, rules.keyDays, now),
    ...spendMeasures(sight.spends, rules.spendShare),
  ];
}

function poolMeasures(seen: PoolSight, window: Window, rules: AlertRules): readonly Measure[] {
  const { pool: subject, admitting, endpoints, budget, oldestQueuedMs } = seen;
  const sums = within(window, subject);
  const measures: Measure[] = [];
  const add = (kind: AlertKind, rest: Omit<Measure, "kind" | "subject">) => measures.push({ kind, subject, ...rest });
  const { samplesMin, errorShare, firstTokenMs, noEndpointMs, capacityShare, budgetMs, coldStarts } = rules;

  if (errorShare !== null) {
    const share = sums === null || sums.asked < samplesMin ? null : sums.failed / sums.asked;
    const text = `${percent(share)} of the requests of pool ${subject} were not served.`;
    add("error_share", { ...above(share, errorShare), forMs: 0, text });
  }
  if (firstTokenMs !== null) {
    const late = sums === null ? null : lateFirstTokens(sums, firstTokenMs);
    const share = late === null || late.samples < samplesMin ? null : late.share;
    const text = `${percent(share)} of the first tokens of pool ${subject} came later than ${firstTokenMs} ms.`;
    add("first_token_late", { ...above(share, LATE_SHARE), forMs: 0, text });
  }
  if (coldStarts !== null) {
    const text = `${sums?.coldStarts ?? 0} requests of pool ${subject} waited for a cold start.`;
    add("cold_start_storm", { ...above(sums?.coldStarts ?? null, coldStarts), forMs: 0, text });
  }
  if (noEndpointMs !== null) {
    const level: Level = admitting === null ? "unknown" : admitting === 0 ? "bad" : "well";
    const text =
      admitting === 0 ? `No endpoint of pool ${subject} takes traffic.` : `Endpoints of pool ${subject} take traffic.`;
    add("no_endpoint", { level, value: admitting, limit: 1, forMs: noEndpointMs, text });
  }
  if (capacityShare !== null) {
    const isKnown = admitting !== null && endpoints !== null && endpoints > 0;
    const share = isKnown ? admitting / endpoints : null;
    const level: Level = share === null ? "unknown" : share < capacityShare ? "bad" : "well";
    const text = `${admitting ?? "?"} of ${endpoints ?? "?"} endpoints of pool ${subject} take traffic.`;
    add("capacity_lost", { level, value: share, limit: capacityShare, forMs: CAPACITY_FOR_MS, text });
  }
  if (budgetMs !== null) {
    // One could pay for a second attempt; between nothing and that it is filling up again.
    const level: Level = budget === null ? "unknown" : budget < 1 ? "bad" : "well";
    const text = `Pool ${subject} has ${level === "bad" ? "no budget left" : "budget"} to repeat attempts that failed.`;
    add("budget_exhausted", { level, value: budget, limit: 1, forMs: budgetMs, text });
  }
  if (rules.refusedRequests !== null) {
    const text = `${seen.refused ?? "?"} requests of pool ${subject} are refused: its endpoints ended while they worked on them.`;
    add("request_refused", { ...above(seen.refused, rules.refusedRequests), forMs: 0, text });
  }
  if (rules.queueOlderThanMs !== null) {
    const text = `A job of pool ${subject} has waited for ${Math.round((oldestQueuedMs ?? 0) / 1_000)} s.`;
    add("queue_old", { ...above(oldestQueuedMs, rules.queueOlderThanMs), forMs: 0, text });
  }
  return measures;
}

function keyMeasures(keys: AlertSight["keys"], keyDays: number | null, now: number): readonly Measure[] {
  if (keyDays === null) return [];
  return keys.map(({ id, expiresAtMs }) => {
    const days = expiresAtMs === null ? null : (expiresAtMs - now) / DAY_MS;
    const level: Level = days === null ? "unknown" : days <= keyDays ? "bad" : "well";
    const when = days === null || days > 0 ? `expires in ${days === null ? "?" : Math.ceil(days)} d` : "has expired";
    return {
      kind: "key_expiring",
      subject: id,
      level,
      value: days,
      limit: keyDays,
      forMs: 0,
      text: `Key ${id} ${when}.`,
    };
  });
}

function spendMeasures(spends: AlertSight["spends"], spendShare: number | null): readonly Measure[] {
  if (spendShare === null) return [];
  return spends.map((spend) => {
    const { tenant, key, period, share } = spend;
    // Spending only falls where a new period begins.
    const level: Level = share === null ? "unknown" : share >= spendShare ? "bad" : "well";
    const who = key === null ? `Tenant ${tenant}` : `Key ${key} of tenant ${tenant}`;
    const text = `${who} has spent ${percent(share)} of its cap of the ${period}.`;
    return {
      kind: "spend_near_cap",
      subject: spendSubject(spend),
      level,
      value: share,
      limit: spendShare,
      forMs: 0,
      text,
    };
  });
}

function above(value: number | null, limit: number): Pick<Measure, "level" | "value" | "limit"> {
  if (value === null) return { level: "unknown", value, limit };
  return { level: value >= limit ? "bad" : value <= limit * WELL_SHARE ? "well" : "between", value, limit };
}

const percent = (share: number | null): string => (share === null ? "?" : `${(share * 100).toFixed(1)} %`);
