/** Decides what an error of the storage means: no room is an answer of its own (507), everything else is a bug. */

/** Storage is freed by retention, ms. */
export const STORAGE_RETRY_MS = 60_000;

/** SQLite's words where the database may not grow (SQLITE_FULL), and where the disk below it cannot be written to. */
const FULL = /SQLITE_FULL|database or disk is full|SQLITE_IOERR|disk I\/O error|no space left on device/i;

/** `error` may have crossed from a Durable Object: only its text is left of it then. */
export const isStorageFull = (error: unknown): boolean => error instanceof Error && FULL.test(error.message);
