/**
 * Delivers webhooks: terminal notices from rows that were written with the job's end, passing ones once from memory.
 *
 * When and how often is `jobs/core/webhook.ts`; here is the sending. A delivery is at least once: its row goes only
 * after the receiver's answer. The same id goes with every try, so that a receiver can drop repeats. Payloads are made
 * when the job ends, so they outlive it. A receiver that answers 410 is not called again for this tenant.
 */
import { callService } from "../../../backends/egress.ts";
import { ok } from "../../lib/result.ts";
import type { Notice } from "../core/events.ts";
import type { JobView, JobWebhook } from "../core/messages.ts";
import {
  createDelivery,
  delivered,
  isTerminalNotice,
  replayed,
  WEBHOOK_TIMEOUT_MS,
  webhookId,
} from "../core/webhook.ts";
import type { Delivery, DeliveryAnswer } from "../core/webhook.ts";
import { runpodStatus, runpodTimes } from "../core/runpod-status.ts";
import { mayFill } from "../core/fair-lanes.ts";
import { mayDeliver, turns } from "../core/fair-delivery.ts";
import type { Bound } from "../core/fair-delivery.ts";
import { howToSet, secretIn } from "../../wire/secrets.ts";
import { signedHeaders, webhookSecretProblem } from "../../wire/webhook-signature.ts";
import { webhookTarget } from "../../wire/webhook-target.ts";
import { DEAD_DELIVERY_MS, DISABLED_MAX, DUE_LOOK_MAX, EVENTS_SHARE, OUTBOX_MAX } from "./bounds.ts";
import type { JobRow } from "./job-row.ts";
import { BrokenSeal } from "./sealer.ts";
import type { Place, Sealer, Stored } from "./sealer.ts";

export type WebhookEnv = { readonly WARMPATH_WEBHOOK_SECRET?: string; readonly WARMPATH_DEV?: string };

/** One message to one receiver. */
export type Message = {
  readonly jobId: string;
  readonly tenant: string;
  readonly url: string;
  /** As it is stored: opened when it is sent. */
  readonly body: Stored;
  readonly delivery: Delivery;
};

/** A delivery that was given up, for its tenant. */
export type DeadDelivery = {
  readonly webhookId: string;
  readonly jobId: string;
  readonly url: string;
  readonly state: Delivery["state"];
  readonly failures: number;
};

export type Post = {
  readonly row: JobRow;
  readonly view: JobView;
  readonly webhook: JobWebhook;
  readonly notice: Notice;
};

type RawMessage = { id: string; job_id: string; tenant: string; url: Stored; body: Stored; delivery: string };

/** Whose messages the pool's own are: no tenant's, since a tenant's name is not empty. */
export const OPERATOR = "";

/** Names of the secrets that sign what is told for a tenant, or for the operator. */
export type Signers = (tenant: string) => readonly string[];

const MESSAGE = "id, job_id, tenant, url, body, delivery";
const NEXT_SQL = `SELECT MIN(next_ms) AS next FROM outbox WHERE next_ms IS NOT NULL AND next_ms > ?`;
const DUE_SQL = `SELECT ${MESSAGE} FROM outbox WHERE tenant = ? AND next_ms IS NOT NULL AND next_ms <= ?
  ORDER BY next_ms LIMIT ?`;
/** One look-up in the index for each tenant, and none for each message. */
const TENANTS_SQL = `WITH RECURSIVE waits (tenant) AS (
    SELECT MIN(tenant) FROM outbox WHERE next_ms IS NOT NULL
    UNION ALL SELECT (SELECT MIN(tenant) FROM outbox WHERE next_ms IS NOT NULL AND tenant > waits.tenant)
      FROM waits WHERE waits.tenant IS NOT NULL)
  SELECT tenant FROM waits WHERE tenant IS NOT NULL`;

export type OutboxParts = {
  readonly sql: SqlStorage;
  readonly env: WebhookEnv;
  /** Something is due at this instant. */
  readonly wakeAt: (atMs: number) => void;
  readonly signers: Signers;
  readonly sealer: Sealer;
};

export class Outbox {
  readonly #sql: SqlStorage;
  readonly #env: WebhookEnv;
  readonly #wakeAt: (atMs: number) => void;
  /** Under way, by the id of the message. */
  readonly #sending = new Map<string, Bound>();
  readonly #signers: Signers;
  readonly #sealer: Sealer;
  /** Whose turn was last. */
  #lastTenant = "";
  /** Messages of each tenant. */
  #stored = new Map<string, number>();
  #ordinal = 0;

  constructor({ sql, env, wakeAt, signers, sealer }: OutboxParts) {
    this.#signers = signers;
    this.#sealer = sealer;
    this.#sql = sql;
    this.recount();
    this.#env = env;
    this.#wakeAt = wakeAt;
  }

  /** Rows were deleted beside it. */
  recount(): void {
    const sql = `SELECT tenant, COUNT(*) AS count FROM outbox GROUP BY tenant`;
    const rows = this.#sql.exec<{ tenant: string; count: number }>(sql).toArray();
    this.#stored = new Map(rows.map(({ tenant, count }) => [tenant, count]));
  }

  /** A terminal notice is stored in this turn; a passing one is sent once. */
  post({ row, view, webhook, notice }: Post): void {
    const now = Date.now();
    // A passing notice may come many times in one attempt; over a restart the clock goes on where the count was.
    this.#ordinal = Math.max(this.#ordinal + 1, now);
    const id = webhookId(row.job, notice, this.#ordinal);
    const { id: jobId, tenant } = row.job;
    const text = webhook.form === "runpod" ? runpodBody(row, view, webhook, now) : standardBody(view, notice, now);
    const body = this.#sealer.seal(text, ["hook", id]);
    const message = { jobId, tenant, url: webhook.url, body, delivery: createDelivery(id, webhook.form, now) };
    if (this.#isDisabled(tenant, webhook.url)) return;
    if (!isTerminalNotice(notice)) {
      if (mayDeliver(this.#sending.values(), boundOf(message))) void this.#try(message, false);
      return;
    }
    this.#keep(message, OUTBOX_MAX, now);
  }

  /** Stores what the operator is told of the pool, to be delivered as the end of a job is. */
  postEvent(
    { id, url, body }: { readonly id: string; readonly url: string; readonly body: string },
    now: number,
  ): void {
    if (this.#isDisabled(OPERATOR, url)) return;
    const stored = this.#sealer.seal(body, ["hook", id]);
    const message = { jobId: "", tenant: OPERATOR, url, body: stored, delivery: createDelivery(id, "standard", now) };
    this.#keep(message, OUTBOX_MAX * EVENTS_SHARE, now);
  }

  #keep(message: Message, max: number, now: number): void {
    const { tenant } = message;
    const all = [...this.#stored.values()].reduce((sum, count) => sum + count, 0);
    // So that one whose receivers are down leaves room for the others'.
    if (all >= max || !mayFill(this.#stored.get(tenant) ?? 0, all, max)) {
      console.error(`the outbox is full, or its tenant's share: a webhook is dropped`, message.delivery.webhookId);
      return;
    }
    this.#count(tenant, 1);
    this.#save(message, now);
    this.deliverDue(now);
  }

  /** Sends what is due and may go, tenant by tenant; the end of each makes room for the next. */
  deliverDue(now: number): void {
    const first = this.#sql.exec<{ next: number | null }>(NEXT_SQL, 0).one().next;
    if (first === null || first > now) return;
    const tenants = this.#sql.exec<{ tenant: string }>(TENANTS_SQL).toArray();
    const sorted = tenants.map(({ tenant }) => tenant);
    for (const tenant of turns(sorted, this.#lastTenant)) {
      const due = this.#messages(DUE_SQL, tenant, now, DUE_LOOK_MAX);
      const next = due.find(
        (message) =>
          !this.#sending.has(message.delivery.webhookId) && mayDeliver(this.#sending.values(), boundOf(message)),
      );
      if (next === undefined) continue;
      this.#lastTenant = tenant;
      void this.#try(next, true);
      return this.deliverDue(now);
    }
  }

  #count(tenant: string, by: 1 | -1): void {
    const count = (this.#stored.get(tenant) ?? 0) + by;
    if (count > 0) this.#stored.set(tenant, count);
    else this.#stored.delete(tenant);
  }

  /** When the next delivery falls due, ms. One that is due already waits for room, which the end of another makes. */
  nextMs(now: number): number | null {
    return this.#sql.exec<{ next: number | null }>(NEXT_SQL, now).one().next;
  }

  forget(now: number, max: number): void {
    const sql = `DELETE FROM outbox WHERE id IN
      (SELECT id FROM outbox WHERE forget_ms IS NOT NULL AND forget_ms <= ? LIMIT ?) RETURNING tenant`;
    const gone = this.#sql.exec<{ tenant: string }>(sql, now, max).toArray();
    for (const { tenant } of gone) this.#count(tenant, -1);
  }

  dead(tenant: string, max: number): readonly DeadDelivery[] {
    return this.#messages(
      `SELECT ${MESSAGE} FROM outbox WHERE forget_ms IS NOT NULL AND tenant = ? ORDER BY forget_ms DESC LIMIT ?`,
      tenant,
      max,
    ).map(({ jobId, url, delivery }) => ({ jobId, url, ...pick(delivery) }));
  }

  /** Deliveries of a tenant, or of all (null): first those that are on their way, by when they are tried next. */
  all(tenant: string | null, onlyDead: boolean, max: number) {
    const messages = this.#messages(
      `SELECT ${MESSAGE} FROM outbox WHERE (?1 IS NULL OR tenant = ?1) AND (?2 = 0 OR forget_ms IS NOT NULL)
       ORDER BY next_ms IS NULL, next_ms, forget_ms DESC LIMIT ?3`,
      tenant,
      Number(onlyDead),
      max,
    );
    return messages.map(({ jobId, tenant: owner, url, delivery }) => {
      // A delivered one has no row.
      const state = delivery.state === "delivered" ? "pending" : delivery.state;
      return { jobId, tenant: owner, url, ...pick(delivery), state, nextTryMs: delivery.nextAtMs };
    });
  }

  tenantOf(id: string): string | null {
    return (
      this.#sql.exec<{ tenant: string }>(`SELECT tenant FROM outbox WHERE id = ?`, id).toArray()[0]?.tenant ?? null
    );
  }

  /** Puts a dead delivery back. False: there is no such one, or its receiver said never again. */
  replay(tenant: string, id: string): boolean {
    const [message] = this.#messages(`SELECT ${MESSAGE} FROM outbox WHERE id = ? AND tenant = ?`, id, tenant);
    if (message === undefined || this.#isDisabled(tenant, message.url)) return false;
    const now = Date.now();
    const again = replayed(message.delivery, now);
    if (again === message.delivery) return false;
    this.#save({ ...message, delivery: again }, now);
    this.deliverDue(now);
    return true;
  }

  async #try(message: Message, isStored: boolean): Promise<void> {
    const { webhookId: id } = message.delivery;
    if (this.#sending.has(id)) return;
    this.#sending.set(id, boundOf(message));
    const answer = await this.#send(message);
    this.#sending.delete(id);
    try {
      if (isStored) this.#note(message, answer);
      this.deliverDue(Date.now());
    } catch (error) {
      // It is sent again: at least once.
      console.error("what became of a webhook could not be stored", id, error);
    }
  }

  #note(message: Message, answer: DeliveryAnswer): void {
    const { webhookId: id } = message.delivery;
    const now = Date.now();
    const after = delivered(message.delivery, answer, now, Math.random);
    // It may have been erased while it was under way.
    if (this.tenantOf(id) === null) return;
    if (after.state === "delivered") {
      this.#sql.exec(`DELETE FROM outbox WHERE id = ?`, id);
      this.#count(message.tenant, -1);
    } else this.#save({ ...message, delivery: after }, now);
    if (after.state === "disabled") this.#disable(message, now);
  }

  /** Null for no answer, for an address that may not be called, and for what somebody else wrote. Never rejects. */
  async #send({ tenant, url, body: stored, delivery }: Message): Promise<DeliveryAnswer> {
    // The operator's URL is the config's word and no client's: it may be in a private network.
    const target = tenant === OPERATOR ? ok(url) : webhookTarget(url, this.#env.WARMPATH_DEV === "1");
    if (!target.ok) return null;
    const body = this.#open(stored, ["hook", delivery.webhookId]);
    if (body === "") return null;
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (delivery.form === "standard") {
      const secrets = this.#secretsOf(tenant);
      if (secrets === null) return null;
      // Receivers refuse old timestamps, so every try signs anew.
      Object.assign(headers, signedHeaders(secrets, delivery.webhookId, Date.now(), body));
    }
    try {
      const signal = AbortSignal.timeout(WEBHOOK_TIMEOUT_MS);
      const response = await callService(target.value, null, { method: "POST", headers, body, signal });
      await response.body?.cancel();
      const seconds = Number(response.headers.get("retry-after") ?? "");
      return { status: response.status, ...(seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {}) };
    } catch {
      return null;
    }
  }

  /**
   * Null where one of them cannot sign: a message without the signature that its receiver checks is as good as lost.
   */
  #secretsOf(tenant: string): readonly string[] | null {
    const env = this.#env as Readonly<Record<string, unknown>>;
    const secrets: string[] = [];
    for (const name of this.#signers(tenant)) {
      const secret = secretIn(env, name);
      const problem = secret === null ? `is not set; ${howToSet(env, name)}` : webhookSecretProblem(secret);
      if (secret === null || problem !== null) {
        console.error(`webhooks wait: the secret ${name}: ${problem ?? ""}`);
        return null;
      }
      secrets.push(secret);
    }
    return secrets;
  }

  #save({ jobId, tenant, url, body, delivery }: Message, now: number): void {
    const { webhookId: id, nextAtMs, state } = delivery;
    const forgetMs = state === "pending" ? null : now + DEAD_DELIVERY_MS;
    this.#sql.exec(
      `INSERT OR REPLACE INTO outbox (id, job_id, tenant, url, body, delivery, next_ms, forget_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      id,
      jobId,
      tenant,
      this.#sealer.seal(url, ["hook_url", id]),
      body,
      JSON.stringify(delivery),
      nextAtMs,
      forgetMs,
    );
    if (nextAtMs !== null) this.#wakeAt(nextAtMs);
  }

  #isDisabled(tenant: string, url: string): boolean {
    const sql = `SELECT 1 AS hit FROM disabled_hook WHERE tenant = ? AND url = ?`;
    const names = [url, ...this.#sealer.blinds(url)];
    return names.some((name) => this.#sql.exec(sql, tenant, name).toArray().length > 0);
  }

  #disable({ tenant, url }: Message, now: number): void {
    const [name = url] = this.#sealer.blinds(url);
    this.#sql.exec(`INSERT OR REPLACE INTO disabled_hook (tenant, url, since_ms) VALUES (?, ?, ?)`, tenant, name, now);
    this.#sql.exec(
      `DELETE FROM disabled_hook WHERE (tenant, url) IN
         (SELECT tenant, url FROM disabled_hook ORDER BY since_ms DESC LIMIT -1 OFFSET ?)`,
      DISABLED_MAX,
    );
  }

  /** Empty: somebody else wrote it. */
  #open(stored: Stored, place: Place): string {
    try {
      return this.#sealer.open(stored, place);
    } catch (error) {
      if (!(error instanceof BrokenSeal)) throw error;
      console.error("a webhook was changed by somebody else", place[1]);
      return "";
    }
  }

  #messages(sql: string, ...bindings: (string | number | null)[]): Message[] {
    return this.#sql
      .exec<RawMessage>(sql, ...bindings)
      .toArray()
      .map((raw) => ({
        jobId: raw.job_id,
        tenant: raw.tenant,
        url: this.#open(raw.url, ["hook_url", raw.id]),
        body: raw.body,
        delivery: JSON.parse(raw.delivery) as Delivery,
      }));
  }
}

const boundOf = ({ tenant, url }: Message): Bound => ({ tenant, host: URL.parse(url)?.host ?? "" });

const pick = ({ webhookId: id, state, failures }: Delivery) => ({ webhookId: id, state, failures });

function standardBody(view: JobView, notice: Notice, now: number): string {
  const { output, history: _history, ...rest } = view;
  const data = `${JSON.stringify(rest).slice(0, -1)},"output":${output ?? "null"}}`;
  return `{"type":${JSON.stringify(notice)},"timestamp":${JSON.stringify(new Date(now).toISOString())},"data":${data}}`;
}

/** Runpod's plain form: what `status` answers, and the receiver's URL. */
function runpodBody({ job }: JobRow, view: JobView, { url }: JobWebhook, now: number): string {
  const fields = {
    id: job.id,
    status: runpodStatus(job.state),
    ...runpodTimes(job, now),
    ...(view.workerId === null ? {} : { workerId: view.workerId }),
    ...(view.error === null ? {} : { error: view.error }),
    webhook: url,
  };
  return view.output === null
    ? JSON.stringify(fields)
    : `${JSON.stringify(fields).slice(0, -1)},"output":${view.output}}`;
}
