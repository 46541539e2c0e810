/**
 * Looks at the fleet for its operator, and tells by webhook what is wrong and what is well again.
 *
 * When something is told is `core/alerts.ts`; here is the looking and the sending. It looks while requests are counted,
 * a quarter of a minute apart or as often as a rule needs, once after the last of them, and on while an alert is raised. Deliveries are those of a job's webhook:
 * signed anew at each try, the same id over all of them, at least once, for three days at most. A receiver that answers
 * 410 to a message is not sent that one again. It may stand in a private network: its URL is the operator's own word.
 * Rejected: an alert of each isolate or shard, of which none sees the whole.
 */
import { callService } from "../../../backends/egress.ts";
import type { Config } from "../../config/config.ts";
import type { AlertsConfig } from "../../config/alerts-schema.ts";
import { poolSpec } from "../../config/pool-spec.ts";
import { shardsOf } from "../../dispatch/platform.ts";
import { delivered, WEBHOOK_TIMEOUT_MS } from "../../jobs/core/webhook.ts";
import type { DeliveryAnswer } from "../../jobs/core/webhook.ts";
import { howToSet, secretIn, WEBHOOK_SECRET } from "../../wire/secrets.ts";
import { signedHeaders, webhookSecretProblem } from "../../wire/webhook-signature.ts";
import { askFleet } from "../ask-fleet.ts";
import { askQueues } from "../ask-queues.ts";
import { alertBody } from "../core/alert-form.ts";
import { measuresOf } from "../core/alert-rules.ts";
import { keepLook, sumsOf } from "../core/alert-window.ts";
import type { Window } from "../core/alert-window.ts";
import { lookAtAlerts } from "../core/alerts.ts";
import type { AlertEvent, Alerts } from "../core/alerts.ts";
import type { FrameEvent } from "../core/frame.ts";
import type { SeriesDelta } from "../core/report.ts";
import { poolSights } from "./alert-sight.ts";
import { AlertSources } from "./alert-sources.ts";
import { AlertStore } from "./alert-store.ts";
import type { AlertMessage } from "./alert-store.ts";
import type { FeedAlarm } from "./feed-alarm.ts";
import type { FeedEnv } from "./feed-env.ts";

/** Between two looks, ms: four a minute tell soon enough, and cost each shard as many questions. */
const LOOK_GAP_MS = 15_000;
/** Where a rule has less patience than that. */
const LOOK_GAP_MS_MIN = 1_000;
/** Sent at once at most. */
const SENDING_MAX = 8;

export type AlertParts = {
  readonly storage: DurableObjectStorage;
  readonly env: FeedEnv;
  readonly config: Config;
  /** All that was ever counted. */
  readonly series: () => Iterable<SeriesDelta>;
  readonly alarm: FeedAlarm;
  /** For those who watch. */
  readonly show: (event: FrameEvent) => void;
};

export class AlertDesk {
  readonly #parts: AlertParts;
  readonly #store: AlertStore;
  readonly #rules: AlertsConfig;
  readonly #gapMs: number;
  readonly #sources: AlertSources;
  #alerts: Alerts;
  #window: Window = [];
  #lookedAtMs = 0;
  #isLooking = false;
  /** Something was counted that no look has seen. */
  #isUnseen = false;
  readonly #sending = new Set<string>();

  constructor(parts: AlertParts, alerts: AlertsConfig) {
    this.#parts = parts;
    this.#rules = alerts;
    this.#gapMs = lookGapMs(alerts.rules);
    this.#sources = new AlertSources(parts.env, parts.config);
    this.#store = new AlertStore(parts.storage);
    this.#alerts = this.#store.load();
    for (const event of this.#store.events()) parts.show(shown(event));
    // The window begins here: what was counted before is of another time.
    this.#window = keepLook([], sumsOf(parts.series()), alerts.rules.windowMs, Date.now());
  }

  /** Requests were counted: looks if it is time, and later if it is not. Never rejects. */
  async counted(): Promise<void> {
    try {
      this.#isUnseen = true;
      await this.#look(Date.now());
      if (this.#isUnseen && !this.#isLooking) await this.#setAlarm();
    } catch (error) {
      console.error("a look for alerts failed", error);
    }
  }

  /** The alarm, which may be one of an earlier object: looks if it is time, and delivers what is due. */
  async wake(): Promise<void> {
    const now = Date.now();
    await this.#look(now);
    await this.#deliver(now);
    await this.#setAlarm();
  }

  async #look(now: number): Promise<void> {
    if (this.#isLooking || now - this.#lookedAtMs < this.#gapMs) return;
    this.#isLooking = true;
    // What is counted while it looks is seen by the next one.
    this.#isUnseen = false;
    try {
      await this.#lookNow();
      this.#lookedAtMs = Date.now();
      await this.#deliver(Date.now());
      await this.#setAlarm();
    } finally {
      this.#lookedAtMs = Date.now();
      this.#isLooking = false;
    }
  }

  async #lookNow(): Promise<void> {
    const { config, env, series } = this.#parts;
    const { rules, repeatMs, form } = this.#rules;
    const specs = Array.from(config.pools.keys(), (id) => poolSpec(config, id));
    const [shards, queues, { isComplete, ...others }] = await Promise.all([
      askFleet(specs, shardsOf(env, config), false),
      rules.queueOlderThanMs === null ? [] : askQueues(env, config),
      this.#sources.look(rules, [...this.#alerts.values()], series(), Date.now()),
    ]);
    if (!isComplete) this.#isUnseen = true;
    const now = Date.now();
    this.#window = keepLook(this.#window, sumsOf(series()), rules.windowMs, now);
    const sight = { window: this.#window, pools: poolSights(config, shards, queues, now), ...others };
    const { alerts, events } = lookAtAlerts(this.#alerts, measuresOf(sight, rules, now), { repeatMs }, now);
    this.#alerts = alerts;
    if (events.length === 0) return;
    const bodyOf = (event: AlertEvent) => alertBody(event, form, new Date(event.atMs).toISOString());
    this.#store.keep(alerts, events, bodyOf, now);
    for (const event of events) this.#parts.show(shown(event));
  }

  /** While a message waits, an alert is raised, or nobody has seen what was counted last. */
  async #setAlarm(): Promise<void> {
    const next = this.#store.nextMs();
    const look = this.#alerts.size > 0 || this.#isUnseen ? this.#lookedAtMs + this.#gapMs : null;
    const due = [next, look].filter((atMs) => atMs !== null);
    await this.#parts.alarm.want("alerts", due.length > 0 ? Math.min(...due) : null);
  }

  async #deliver(now: number): Promise<void> {
    const due = this.#store.due(now, SENDING_MAX).filter(({ delivery }) => !this.#sending.has(delivery.webhookId));
    await Promise.all(due.map(async (message) => this.#send(message)));
  }

  async #send(message: AlertMessage): Promise<void> {
    const { webhookId: id } = message.delivery;
    this.#sending.add(id);
    const answer = await this.#post(message);
    this.#sending.delete(id);
    const after = delivered(message.delivery, answer, Date.now(), Math.random);
    if (after.state === "dead" || after.state === "disabled")
      console.error("an alert was not delivered", id, after.state);
    this.#store.save({ ...message, delivery: after });
  }

  /** Null for no answer, and where a secret is missing: it is tried again. Never rejects. */
  async #post({ body, delivery }: AlertMessage): Promise<DeliveryAnswer> {
    const url = this.#rules.url ?? this.#secret(this.#rules.urlSecret ?? "");
    const signing = this.#signing();
    if (url === null || signing === null || !URL.canParse(url)) return null;
    const signed = signing.length === 0 ? {} : signedHeaders(signing, delivery.webhookId, Date.now(), body);
    try {
      const signal = AbortSignal.timeout(WEBHOOK_TIMEOUT_MS);
      const headers = { "content-type": "application/json", ...signed };
      const response = await callService(url, null, { method: "POST", headers, body, signal });
      await response.body?.cancel();
      const seconds = Number(response.headers.get("retry-after") ?? "");
      return { status: response.status, ...(seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {}) };
    } catch {
      return null;
    }
  }

  /** Secrets that sign; none where Slack's form needs none; null where one is named and cannot. */
  #signing(): readonly string[] | null {
    const { secret: name, form } = this.#rules;
    if (name === undefined && form === "slack") return [];
    const secret = this.#secret(name ?? WEBHOOK_SECRET);
    const problem = secret === null ? null : webhookSecretProblem(secret);
    if (problem !== null) console.error(`alerts wait: the secret ${name ?? WEBHOOK_SECRET}: ${problem}`);
    return secret === null || problem !== null ? null : [secret];
  }

  #secret(name: string): string | null {
    const env = this.#parts.env as Readonly<Record<string, unknown>>;
    const secret = secretIn(env, name);
    if (secret === null) console.error(`alerts wait: the secret ${name} is not set; ${howToSet(env, name)}`);
    return secret;
  }
}

const shown = ({ atMs, phase, text }: AlertEvent): FrameEvent => ({ atMs, kind: `alert_${phase}`, text });

/** Half of the shortest time for which something must last. */
function lookGapMs({ noEndpointMs, budgetMs }: AlertsConfig["rules"]): number {
  const shortest = Math.min(noEndpointMs ?? LOOK_GAP_MS, budgetMs ?? LOOK_GAP_MS);
  return Math.min(LOOK_GAP_MS, Math.max(LOOK_GAP_MS_MIN, shortest / 2));
}
