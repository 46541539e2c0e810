/** What the rules of alerts see of keys and of tenants' spending: the config, the key registry, and the ledgers that may have news. */
import { callRegistry, hasRegistry } from "../../access/registry-stub.ts";
import type { AlertsConfig } from "../../config/alerts-schema.ts";
import type { Config } from "../../config/config.ts";
import type { KeyLimits, TenantLimits } from "../../config/limits-schema.ts";
import { ledgerOf } from "../../tenants/ledger-of.ts";
import { boundsOf } from "../../tenants/limits-resolve.ts";
import { askInTime } from "../ask-in-time.ts";
import { readSpendSubject } from "../core/alert-rules.ts";
import type { AlertSight, KeySight } from "../core/alert-rules.ts";
import type { Alert } from "../core/alerts.ts";
import type { SeriesDelta } from "../core/report.ts";
import { ledgersToAsk, noteShares, spendSights } from "../core/spend-watch.ts";
import type { SpendBook } from "../core/spend-watch.ts";
import { readKey } from "../core/tally.ts";
import type { FeedEnv } from "./feed-env.ts";

const DAY_MS = 86_400_000;
/** A key of the registry that has ended stays there, and is told of for this long, ms. */
const ENDED_TOLD_MS = DAY_MS;
/** Of the registry in one look, the first to end. */
const KEYS_WATCHED_MAX = 500;

export class AlertSources {
  readonly #env: FeedEnv;
  readonly #config: Config;
  readonly #book: SpendBook = new Map();

  constructor(env: FeedEnv, config: Config) {
    this.#env = env;
    this.#config = config;
  }

  /** `raised`: what is told of; `isComplete`: no ledger has to be asked again soon. A rule that is null in the config costs no question. */
  async look(
    { keyDays, spendShare }: AlertsConfig["rules"],
    raised: readonly Alert[],
    series: Iterable<SeriesDelta>,
    now: number,
  ): Promise<Pick<AlertSight, "keys" | "spends"> & { readonly isComplete: boolean }> {
    const subjectsOf = (wanted: Alert["kind"]) =>
      raised.flatMap(({ kind, subject }) => (kind === wanted ? [subject] : []));
    const spends = subjectsOf("spend_near_cap").map(readSpendSubject);
    const watchesSpend = spendShare !== null && "TENANT_LEDGER" in this.#env;
    const costs = watchesSpend ? costsIn(series) : new Map<string, number>();
    const told = new Set(watchesSpend ? spends.map(([tenant]) => tenant) : []);
    const due = ledgersToAsk(this.#book, costs, told);
    const registry = await this.#askRegistry(keyDays, due, now);
    await Promise.all(
      due.map(async (tenant) => this.#askLedger(tenant, costs.get(tenant), registry?.limited ?? null, now)),
    );
    return {
      keys: keyDays === null ? [] : this.#keys(registry?.ending ?? null, subjectsOf("key_expiring")),
      spends: watchesSpend ? spendSights(this.#book, spends) : [],
      isComplete: ledgersToAsk(this.#book, costs, new Set()).length === 0,
    };
  }

  /** Null: it did not answer. */
  async #askRegistry(keyDays: number | null, due: readonly string[], now: number) {
    const tenants = due.filter((tenant) => !this.#isCapped(tenant));
    if (!hasRegistry(this.#env) || (keyDays === null && tenants.length === 0)) return { ending: [], limited: [] };
    const endsBeforeMs = now + (keyDays ?? 0) * DAY_MS;
    const ask = { endsFromMs: now - ENDED_TOLD_MS, endsBeforeMs, limit: KEYS_WATCHED_MAX, tenants };
    const answer = await callRegistry(this.#env, "watched", ask);
    return answer.ok ? answer.value : null;
  }

  /** An id of the config is the config's, whatever the registry has. */
  #keys(ending: readonly KeySight[] | null, told: readonly string[]): readonly KeySight[] {
    const { keys } = this.#config;
    const own = keys.flatMap(({ id, expiresAtMs }) => (expiresAtMs === null ? [] : [{ id, expiresAtMs }]));
    const others = ending ?? told.map((id) => ({ id, expiresAtMs: null }));
    return [...own, ...others.filter((other) => keys.every(({ id }) => id !== other.id))];
  }

  /** `limited`: tenants of whom the registry has keys with limits; null: not known. */
  async #askLedger(
    tenant: string,
    cost: number | undefined,
    limited: readonly string[] | null,
    now: number,
  ): Promise<void> {
    const limits = this.#limitsOf(tenant);
    const mayHaveCaps = this.#isCapped(tenant) ? true : (limited?.includes(tenant) ?? null);
    // Whoever has no cap has no ledger, and is to get none by being asked.
    if (mayHaveCaps !== true) {
      noteShares(this.#book, tenant, { cost, shares: mayHaveCaps === false ? [] : null }, now);
      return;
    }
    const ledger = ledgerOf(this.#env, tenant);
    const asked = await askInTime(async () => ledger?.capShares(limits === null ? {} : boundsOf(limits)) ?? null);
    noteShares(this.#book, tenant, { cost, shares: asked.ok ? asked.value : null }, now);
  }

  #limitsOf(tenant: string): TenantLimits | null {
    const { tenants, limits } = this.#config;
    return tenants.get(tenant)?.limits ?? limits.perTenant;
  }

  /** By the config. */
  #isCapped(tenant: string): boolean {
    const own = this.#limitsOf(tenant);
    if (own !== null && hasCap(own)) return true;
    return this.#config.keys.some(({ tenant: of, limits }) => of === tenant && limits && hasCap(limits));
  }
}

const hasCap = ({ spendPerDay, spendPerMonth }: KeyLimits): boolean =>
  spendPerDay !== undefined || spendPerMonth !== undefined;

/** Of each tenant, over all pools. */
function costsIn(series: Iterable<SeriesDelta>): ReadonlyMap<string, number> {
  const costs = new Map<string, number>();
  for (const [key, [micros = 0]] of series) {
    const name = readKey(key);
    const tenant = name?.labels[0];
    if (name?.id === "cost" && tenant !== undefined) costs.set(tenant, (costs.get(tenant) ?? 0) + micros);
  }
  return costs;
}
