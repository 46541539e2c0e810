/** Which keys a queue's rows cannot do without, known without a look at them: each key with the last day it sealed on. */
import { lockedError } from "../core/locked.ts";
import type { Sealer } from "./sealer.ts";

const DAY_MS = 86_400_000;
const SEALS_META = "seals";
/**
 * A key that was last used so long ago has nothing left, days: a job is started at most 7 days ahead and lives 7, its
 * webhook is tried for 4 and kept for 7.
 */
export const SEAL_DAYS_MAX = 30;

/** Where they are kept. */
type Kept = {
  readonly sql: SqlStorage;
  readonly sealer: Sealer;
  meta(name: string): string | null;
  saveMeta(name: string, value: string): void;
};

export class Seals {
  readonly #store: Kept;
  /** Day, since the epoch, on which this object has noted its key. */
  #notedDay = 0;

  constructor(store: Kept) {
    this.#store = store;
  }

  /** Something is to be sealed: once a day, that its key is in use. */
  note(): void {
    const [mark] = this.#store.sealer.marks;
    const today = Math.floor(Date.now() / DAY_MS);
    if (mark === undefined || this.#notedDay === today) return;
    this.#notedDay = today;
    const used = this.#used();
    if (used[mark] !== today) this.#store.saveMeta(SEALS_META, JSON.stringify({ ...used, [mark]: today }));
  }

  /** Throws `isLocked` where rows may be there that no key opens. */
  check(): void {
    const today = Math.floor(Date.now() / DAY_MS);
    const { sealer } = this.#store;
    const missing = Object.entries(this.#used()).filter(
      ([mark, day]) => !sealer.marks.includes(mark) && today - day <= SEAL_DAYS_MAX,
    );
    if (missing.length === 0 || !this.#hasRows()) return;
    const marks = missing.map(([mark]) => mark).join(", ");
    throw lockedError(`jobs are stored under the key ${marks}; name its secret in jobs.encryption again`);
  }

  #used(): Readonly<Record<string, number>> {
    return JSON.parse(this.#store.meta(SEALS_META) ?? "{}") as Record<string, number>;
  }

  #hasRows(): boolean {
    const sql = `SELECT EXISTS (SELECT 1 FROM job) + EXISTS (SELECT 1 FROM outbox) + EXISTS (SELECT 1 FROM draft) AS has`;
    return this.#store.sql.exec<{ has: number }>(sql).one().has > 0;
  }
}
