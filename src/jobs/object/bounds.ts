/** Every bound of a pool's queue, with its reason. What belongs to the rules of a job is in `jobs/core`. */

const KIB = 1024;
const SECOND = 1_000;

/**
 * Input that stays in the job's row, bytes as UTF-8. A row may have 2 MB: input and output of this size, and all else
 * that a job has, stay below it. Larger ones lie apart (`blobs.ts`).
 */
export const INPUT_ROW_BYTES_MAX = 768 * KIB;
export const OUTPUT_ROW_BYTES_MAX = 768 * KIB;

/**
 * Stored bytes from which nothing is taken in, of the 10 GB that an object may have: what has been taken in still needs
 * room for its history, its chunks and its output. A waiting job with a small input has 4.6 KB.
 */
export const STORAGE_BYTES_MAX = 8 * 1024 ** 3;

/** Input or output that lies apart, bytes: Runpod's largest, and what an object of 128 MB can hold a few of at once. */
export const BLOB_BYTES_MAX = 20 * 1024 * KIB;
/** One part of it in a row, bytes: half of what a row may have. */
export const BLOB_PART_BYTES = 1024 * KIB;

/** Acquires under way at the pool's shards. Each may wait in a shard's queue, where it stands before later clients. */
export const ACQUIRES_MAX = 16;

/**
 * How long a shard may take to answer before the queue decides from what it knows, ms. A request must not wait for a
 * shard that is slow; a job may, and would fill endpoints over their slots if it did not.
 */
export const SHARD_PATIENCE_MS = 5 * SECOND;

/** Attempts under way that were pushed: an object has 128 MB for all of them. */
export const PUSHED_MAX = 1_000;

/** Pause after the first acquire that brought no slot, ms, doubled by each that follows, and the longest. */
export const ACQUIRE_PAUSE_MS = { min: 50, max: SECOND } as const;

/** Chunks in memory of one attempt before they are written, bytes; also the size of a chunk's row. */
export const CHUNK_ROW_BYTES = 256 * KIB;
/** All chunks of one attempt, bytes. */
export const CHUNKS_BYTES_MAX = 16 * 1024 * KIB;
/** Chunks of one attempt: their number shares an integer with the attempt's token. */
export const CHUNKS_PER_ATTEMPT = 2 ** 20;
/** One answer to `stream`, bytes: Runpod allows a chunk of 1 MB, and one chunk always goes. */
export const PAGE_BYTES_MAX = 1024 * KIB;

/** Longest wait of a call, ms: Runpod's longest for a worker is 90 s, for a client 300 s. */
export const WAIT_MS_MAX = 300 * SECOND;
/** Calls that wait at once; beyond it a call answers at once with what there is. */
export const WAITERS_MAX = 10_000;

/**
 * While something runs or waits, an alarm stands at most so far ahead, ms: what a crash leaves behind is found then.
 */
export const ALARM_GUARD_MS = 10 * SECOND;
/** An alarm this long overdue is stuck: it is set again, ms. */
export const ALARM_STUCK_MS = 5 * SECOND;
/** A timer in memory looks no further ahead, ms: the rest is the alarm's, so that an idle object may hibernate. */
export const TIMER_AHEAD_MS = 60 * SECOND;
/** Rows that one sweep handles: a few ms of work, then calls get their turn. */
export const SWEEP_ROWS_MAX = 500;
/** Rows of the table that the walk after a start looks at in one sweep; their inputs and outputs are not read. */
export const WALK_ROWS_MAX = 2_000;
/** Rows of the waiting index that one sweep looks at for jobs whose ttl has passed; only the index is read. */
export const TTL_ROWS_MAX = 5_000;

/** Jobs in front that are counted for a position: a client with a hundred before it only wants to know "many". */
export const POSITION_MAX = 100;
/** Jobs in one answer to `list`. */
export const LIST_MAX = 500;
/** Ended jobs that are counted for operators, the newest: as many as a list looks at. */
export const ENDED_COUNTED_MAX = 20_000;
/** Dead letters that are counted: more are "a thousand or more". */
export const DEAD_COUNTED_MAX = 1_000;
/** Tenants that are told with what of theirs waits and runs. */
export const TENANTS_TOLD_MAX = 100;
/** Entries looked at for one `list`. */
export const LIST_ROWS_MAX = 20_000;

/** GPU workers that pull, remembered; the longest unseen goes first. */
export const WORKERS_MAX = 4_096;
/** Three beats of 10 s: Runpod's stock worker. */
export const WORKER_SILENT_MS = 30 * SECOND;
/** Jobs that one `take` may bring. */
export const TAKE_MAX = 256;
/** Jobs on a worker's stop list; what does not fit is put there by its next ping. */
export const STOPS_MAX = 1_024;

/** Due deliveries of one tenant that are looked at for one that may go: more than can be under way to one receiver. */
export const DUE_LOOK_MAX = 16;
/** Deliveries that failed for good are kept so long for a replay, ms. */
export const DEAD_DELIVERY_MS = 7 * 24 * 3_600 * SECOND;
/** Deliveries in the outbox, dead ones included; beyond it a new one is refused and logged. */
export const OUTBOX_MAX = 100_000;
/** Receivers that answered 410, remembered; the oldest is forgotten first. */
export const DISABLED_MAX = 1_000;
/** Drain cursors kept in memory; a forgotten one is read from disk. */
export const CURSORS_MAX = 10_000;

/** Runpod's bounds of its batches. */
export const BATCH_REQUESTS_MAX = 5_000;
export const BATCHES_OPEN_MAX = 10;
/** A batch is remembered so long, ms: as long as a job may live. */
export const BATCH_LIFE_MS = 7 * 24 * 3_600 * SECOND;
/** Jobs made or cancelled in one turn; then calls get theirs. */
export const BATCH_TURN_MAX = 250;

/**
 * A pool is looked at for its operator no more often than this, ms, unless an event is due: shards are asked for it.
 */
export const WATCH_GAP_MS = 2 * SECOND;
/** The same while no job is there and only the end of what was wrong is waited for, ms. */
export const WATCH_IDLE_GAP_MS = 30 * SECOND;
/**
 * Tenants whose oldest job one look reads, those first that have had jobs waiting longest; and rows of each priority.
 */
export const WATCH_LANES_MAX = 20;
export const WATCH_ROWS_MAX = 8;
/** An operator's events may fill half of the outbox: the other half is for the ends of jobs. */
export const EVENTS_SHARE = 0.5;

/** What the shards say of endpoints is asked again after this, ms. */
export const FLEET_AGE_MS = 2 * SECOND;
/** Tenants whose totals are counted; the rest share one line. */
export const TENANTS_COUNTED_MAX = 1_000;

/** UTF-8 bytes of a text; exact, and cheap where it cannot matter. */
export function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
