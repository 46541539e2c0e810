/**
 * The folder with the Durable Objects' SQLite files: one router at a time, readable by its user alone,
 * and without what was deleted.
 *
 * The lock is the kernel's, on a file that is held open: it ends with the process however that ends, so it is never
 * stale, and it holds between containers that share a volume. Rejected: a file with a pid, which says nothing there,
 * and which two that find it stale may both replace.
 *
 * SQLite deletes by forgetting: the pages of a prompt stay in the file, and in its log, until they are used again, and
 * an object may not change that. So before workerd starts and after it has ended the files are written anew.
 */
import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { err, ok, type Result } from "../../src/lib/result.ts";

const LOCK = "serve.lock";
const HOLDER = "serve.pid";
/** Where workerd keeps the objects of the class `JobQueue`. */
const QUEUES = "warmpath-JobQueue";

/** A larger file is not written anew, bytes: it would take minutes, and twice the space. */
const SCRUB_BYTES_MAX = 1024 ** 3;

/** A file of a running router that is larger is left alone, bytes: its object takes no call meanwhile. */
const LIVE_SCRUB_BYTES_MAX = 32 * 1024 ** 2;

export type StateDir = {
  /** The file of a queue that takes no call until this has returned. */
  scrubQueue(id: string): boolean;
  /** Only while workerd is not running. Returns what was too large, or could not be written. */
  scrub(): readonly string[];
  release(): void;
};

/** Makes the folder when it is missing, and takes it; the error says who has it, or that nobody can write there. */
export function takeStateDir(path: string): Result<StateDir, string> {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK);
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return err(`cannot write to the state folder ${path} (${why}): choose another with --state`);
  }
  // What SQLite makes from now on is this user's alone; what an older version made is brought in line.
  process.umask(0o077);
  const lock = new DatabaseSync(join(path, LOCK), { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch {
    lock.close();
    return err(
      `the state folder ${path} is in use by ${holderOf(path)}: stop it, or choose another folder with --state`,
    );
  }
  makePrivate(path);
  writeFileSync(join(path, HOLDER), `${process.pid}\n`, { mode: 0o600 });
  return ok({
    scrub: () => filesUnder(path).filter((file) => file.endsWith(".sqlite") && !isScrubbed(file, SCRUB_BYTES_MAX)),
    scrubQueue: (id) => isScrubbed(join(path, QUEUES, `${id}.sqlite`), LIVE_SCRUB_BYTES_MAX),
    release: () => lock.close(),
  });
}

function holderOf(path: string): string {
  try {
    return `process ${readFileSync(join(path, HOLDER), "utf8").trim()}`;
  } catch {
    return "another router";
  }
}

function makePrivate(path: string): void {
  chmodSync(path, 0o700);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const below = join(path, entry.name);
    if (entry.isDirectory()) makePrivate(below);
    else if (entry.isFile()) chmodSync(below, 0o600);
  }
}

function filesUnder(path: string): readonly string[] {
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const below = join(path, entry.name);
    return entry.isDirectory() ? filesUnder(below) : [below];
  });
}

/** Writes the file anew, and empties its log. False: it still has what was deleted. */
function isScrubbed(file: string, bytesMax: number): boolean {
  let database: DatabaseSync | null = null;
  try {
    if (statSync(file).size > bytesMax) return false;
    database = new DatabaseSync(file);
    database.exec("PRAGMA secure_delete = ON; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
    return true;
  } catch {
    return false;
  } finally {
    // The last one that closes it removes its log.
    database?.close();
  }
}
