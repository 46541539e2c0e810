/**
 * What is kept of alerts: those that are raised, and messages that are to be delivered. Both are written in one turn, so
 * that a restart neither repeats an alert nor loses one.
 */
import { createDelivery } from "../../jobs/core/webhook.ts";
import type { Delivery } from "../../jobs/core/webhook.ts";
import type { Alert, AlertEvent, Alerts } from "../core/alerts.ts";

/** Messages that wait; with one more the oldest is dropped: what is wrong now counts. */
export const ALERT_MESSAGES_MAX = 500;
/** Events that a page is shown. */
export const ALERT_EVENTS_MAX = 50;

export type AlertMessage = { readonly body: string; readonly delivery: Delivery };

export class AlertStore {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Those that were told. What was about to be starts anew. */
  load(): Alerts {
    const rows = this.#storage.sql.exec<{ key: string; alert: string }>(`SELECT key, alert FROM alert`).toArray();
    return new Map(rows.map(({ key, alert }) => [key, JSON.parse(alert) as Alert]));
  }

  /** The newest last. */
  events(): readonly AlertEvent[] {
    const sql = `SELECT event FROM alert_event ORDER BY id DESC LIMIT ?`;
    const rows = this.#storage.sql.exec<{ event: string }>(sql, ALERT_EVENTS_MAX).toArray();
    return rows.map(({ event }) => JSON.parse(event) as AlertEvent).toReversed();
  }

  /** `bodyOf`: what the receiver is sent. */
  keep(alerts: Alerts, events: readonly AlertEvent[], bodyOf: (event: AlertEvent) => string, now: number): void {
    const { sql } = this.#storage;
    this.#storage.transactionSync(() => {
      sql.exec(`DELETE FROM alert`);
      for (const [key, alert] of alerts) {
        if (alert.raisedAtMs !== null) sql.exec(`INSERT INTO alert VALUES (?, ?)`, key, JSON.stringify(alert));
      }
      for (const event of events) {
        sql.exec(`INSERT INTO alert_event (event) VALUES (?)`, JSON.stringify(event));
        this.save({ body: bodyOf(event), delivery: createDelivery(event.id, "standard", now) });
      }
      sql.exec(`DELETE FROM alert_event WHERE id <= (SELECT MAX(id) FROM alert_event) - ?`, ALERT_EVENTS_MAX);
      sql.exec(
        `DELETE FROM alert_message WHERE rowid IN (SELECT rowid FROM alert_message ORDER BY rowid DESC LIMIT -1 OFFSET ?)`,
        ALERT_MESSAGES_MAX,
      );
    });
  }

  /** What is due, the oldest first. */
  due(now: number, max: number): readonly AlertMessage[] {
    const sql = `SELECT body, delivery FROM alert_message WHERE next_ms <= ? ORDER BY next_ms, rowid LIMIT ?`;
    const rows = this.#storage.sql.exec<{ body: string; delivery: string }>(sql, now, max).toArray();
    return rows.map(({ body, delivery }) => ({ body, delivery: JSON.parse(delivery) as Delivery }));
  }

  /** When the next one is due; null: none waits. */
  nextMs(): number | null {
    const sql = `SELECT MIN(next_ms) AS next FROM alert_message`;
    return this.#storage.sql.exec<{ next: number | null }>(sql).one().next;
  }

  /** One that has ended goes. */
  save({ body, delivery }: AlertMessage): void {
    const { webhookId: id, nextAtMs } = delivery;
    const { sql } = this.#storage;
    if (nextAtMs === null) sql.exec(`DELETE FROM alert_message WHERE id = ?`, id);
    else {
      sql.exec(
        `INSERT INTO alert_message (id, body, delivery, next_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET delivery = excluded.delivery, next_ms = excluded.next_ms`,
        id,
        body,
        JSON.stringify(delivery),
        nextAtMs,
      );
    }
  }
}
