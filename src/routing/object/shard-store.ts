/**
 * What a shard keeps in SQLite: its epoch, the registry of its endpoints, a checkpoint of what was in flight, and
 * the requests under which endpoints ended.
 *
 * None of it is touched by a request. Leases are not stored: they end within their time, and holders re-create them
 * after a restart (`leases.ts`). Every table is described in docs/reference/storage.md.
 */
import type { EndpointSpec } from "../core/pool.ts";
import type { SuspectKept } from "../core/shard/poison.ts";
import type { Checkpoint } from "../host/shard-ports.ts";

/** Schema steps in order; a step that has shipped is never changed. `PRAGMA user_version` does not exist here. */
const MIGRATIONS = [
  `CREATE TABLE incarnation (only INTEGER PRIMARY KEY CHECK (only = 1), epoch INTEGER NOT NULL);
   CREATE TABLE endpoint (id TEXT PRIMARY KEY, source TEXT NOT NULL, spec TEXT NOT NULL);
   CREATE TABLE checkpoint (endpoint_id TEXT PRIMARY KEY, in_flight INTEGER NOT NULL, saved_at_ms INTEGER NOT NULL);`,
  `ALTER TABLE endpoint ADD COLUMN drained_at_ms INTEGER;`,
  `ALTER TABLE endpoint ADD COLUMN down_at_ms INTEGER;`,
  `CREATE TABLE suspects (only INTEGER PRIMARY KEY CHECK (only = 1), kept TEXT NOT NULL);`,
] as const;

export class ShardStore {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#migrate();
  }

  /** Begins a new incarnation and returns its epoch, >= 1 and higher than any before. */
  beginEpoch(): number {
    this.#storage.sql.exec(
      `INSERT INTO incarnation (only, epoch) VALUES (1, 1) ON CONFLICT (only) DO UPDATE SET epoch = epoch + 1`,
    );
    return this.#storage.sql.exec<{ epoch: number }>(`SELECT epoch FROM incarnation`).one().epoch;
  }

  /**
   * Makes the registry hold exactly these endpoints of the config, and what was registered otherwise. One that stays
   * keeps what an operator said of it.
   */
  syncRegistry(specs: readonly EndpointSpec[]): void {
    const { sql } = this.#storage;
    const declared = new Set(specs.map(({ id }) => id));
    this.#storage.transactionSync(() => {
      for (const { id } of sql.exec<{ id: string }>(`SELECT id FROM endpoint WHERE source = 'config'`).toArray()) {
        if (!declared.has(id)) sql.exec(`DELETE FROM endpoint WHERE id = ?`, id);
      }
      for (const spec of specs) {
        sql.exec(
          `INSERT INTO endpoint (id, source, spec) VALUES (?, 'config', ?)
           ON CONFLICT (id) DO UPDATE SET spec = excluded.spec WHERE source = 'config'`,
          spec.id,
          JSON.stringify(spec),
        );
      }
    });
  }

  /** Endpoints that an operator has taken out of traffic. */
  loadDrained(): string[] {
    const rows = this.#storage.sql.exec<{ id: string }>(`SELECT id FROM endpoint WHERE drained_at_ms IS NOT NULL`);
    return rows.toArray().map(({ id }) => id);
  }

  /** Keeps since when an endpoint is drained; null: it is not. */
  saveDrained(endpointId: string, drainedAtMs: number | null): void {
    this.#storage.sql.exec(`UPDATE endpoint SET drained_at_ms = ? WHERE id = ?`, drainedAtMs, endpointId);
  }

  /** Endpoints whose probes failed when they were last looked at. */
  loadDown(): string[] {
    const rows = this.#storage.sql.exec<{ id: string }>(`SELECT id FROM endpoint WHERE down_at_ms IS NOT NULL`);
    return rows.toArray().map(({ id }) => id);
  }

  /** Keeps since when an endpoint is down; null: it is not. */
  saveDown(endpointId: string, downAtMs: number | null): void {
    this.#storage.sql.exec(`UPDATE endpoint SET down_at_ms = ? WHERE id = ?`, downAtMs, endpointId);
  }

  loadCheckpoint(): Checkpoint[] {
    const rows = this.#storage.sql.exec<{ endpoint_id: string; in_flight: number; saved_at_ms: number }>(
      `SELECT endpoint_id, in_flight, saved_at_ms FROM checkpoint`,
    );
    return rows
      .toArray()
      .map((row) => ({ endpointId: row.endpoint_id, inFlight: row.in_flight, savedAtMs: row.saved_at_ms }));
  }

  saveCheckpoint(checkpoints: readonly Checkpoint[]): void {
    this.#storage.transactionSync(() => {
      for (const { endpointId, inFlight, savedAtMs } of checkpoints) {
        this.#storage.sql.exec(
          `INSERT INTO checkpoint (endpoint_id, in_flight, saved_at_ms) VALUES (?, ?, ?)
           ON CONFLICT (endpoint_id) DO UPDATE SET in_flight = excluded.in_flight, saved_at_ms = excluded.saved_at_ms`,
          endpointId,
          inFlight,
          savedAtMs,
        );
      }
    });
  }

  loadSuspects(): readonly SuspectKept[] {
    const [row] = this.#storage.sql.exec<{ kept: string }>(`SELECT kept FROM suspects`).toArray();
    return row === undefined ? [] : (JSON.parse(row.kept) as readonly SuspectKept[]);
  }

  /** All in one row: there are few, and they change together. */
  saveSuspects(suspects: readonly SuspectKept[]): void {
    this.#storage.sql.exec(
      `INSERT INTO suspects (only, kept) VALUES (1, ?) ON CONFLICT (only) DO UPDATE SET kept = excluded.kept`,
      JSON.stringify(suspects),
    );
  }

  #migrate(): void {
    const { sql } = this.#storage;
    sql.exec(`CREATE TABLE IF NOT EXISTS schema_step (step INTEGER PRIMARY KEY)`);
    const done = sql.exec<{ done: number }>(`SELECT COUNT(*) AS done FROM schema_step`).one().done;
    for (const [step, statements] of MIGRATIONS.entries()) {
      if (step < done) continue;
      this.#storage.transactionSync(() => {
        sql.exec(statements);
        sql.exec(`INSERT INTO schema_step (step) VALUES (?)`, step);
      });
    }
  }
}
