/** Every bound of files and batches, with its reason. */

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

/** One file, bytes: OpenAI's largest. */
export const FILE_BYTES_MAX = 512 * MIB;
/** A batch's input, bytes: OpenAI's largest. */
export const BATCH_FILE_BYTES_MAX = 200 * MIB;
/** Files of one tenant: a list of all of them is one answer. */
export const FILES_MAX = 10_000;
/** Bytes of one tenant's files where they lie in its object: it may have 10 GB, and batches need room to end in. */
export const TENANT_BYTES_MAX = 6 * 1024 * MIB;
/** One part of a file, bytes: half of what a row may have. Bytes are held one part at a time. */
export const FILE_PART_BYTES = MIB;
/** Parts that a bucket deletes in one call. */
export const DELETED_AT_ONCE_MAX = 1_000;
/** A field of the form that is no file, bytes. */
export const FIELD_BYTES_MAX = 4 * KIB;
/** The rest of a form: its delimiters and other fields, bytes. */
export const FORM_BYTES_MAX = 64 * KIB;
/** A file's name, characters: more is cut. */
export const FILENAME_CHARS_MAX = 255;
/** A client that sends nothing of an upload for so long is not waited for, ms. */
export const UPLOAD_IDLE_MS_MAX = 30 * SECOND;
/** An upload of which nothing came for so long is dead: its bytes go, ms. */
export const UPLOAD_DEAD_MS = HOUR;
/** `expires_after.seconds`: OpenAI's range. */
export const EXPIRES_AFTER_S = { min: 3_600, max: 2_592_000 } as const;
/** A batch's input and output are kept so long unless something else was asked for, ms: OpenAI's. */
export const BATCH_FILE_LIFE_MS = 30 * DAY;

/** Lines of a batch: OpenAI's most. */
export const LINES_MAX = 50_000;
/** One line, bytes: what an isolate can hold a few dozen of. */
export const LINE_BYTES_MAX = 4 * MIB;
/** OpenAI documents none: enough for any name, and 50,000 of them fit into memory while a file is validated. */
export const CUSTOM_ID_CHARS_MAX = 256;
/** Errors of a validation that are told: whoever has more has one mistake many times. */
export const ERRORS_TOLD_MAX = 100;
/** Batches of a tenant that have not ended; the next one is told to wait. */
export const BATCHES_OPEN_MAX = 20;
/** Batches of a tenant that are remembered; those that ended first are forgotten first. */
export const BATCHES_KEPT_MAX = 10_000;
/** … and no longer than this after their end, ms. */
export const BATCH_KEPT_MS = 90 * DAY;
/** OpenAI's bounds of `metadata`. */
export const METADATA = { pairs: 16, nameChars: 64, valueChars: 512 } as const;
/** `completion_window`, ms. The longest ends before a job may be deleted (7 days). */
export const WINDOW_MS = { min: HOUR, max: 6 * DAY } as const;
/** The shortest in development mode, ms. */
export const WINDOW_DEV_MS_MIN = SECOND;

/** Lines of a tenant that are jobs at once, over all of its batches: a pool has no more of them in its queue. */
export const LINES_IN_FLIGHT_MAX = 256;
/** … and of one batch at least. */
export const LINES_IN_FLIGHT_MIN = 8;
/** Bytes of lines that are being handed to a queue at once. */
export const SUBMITTED_BYTES_MAX = 8 * MIB;
/** Lines that are handed over at once: each is checked by rails. */
export const SUBMITTED_AT_ONCE_MAX = 16;
/** One look at what has ended waits so long, ms. */
export const COLLECT_WAIT_MS = 5 * SECOND;
/** Bytes of answers that one look brings; one always comes. */
export const COLLECT_BYTES_MAX = 8 * MIB;
/** Lines that are written off in one turn where a batch expired or was cancelled. */
export const WRITTEN_OFF_AT_ONCE_MAX = 500;
/** What the queue has no room for, or whom its tenant's limits hold back, is tried again after this, ms. */
export const HELD_BACK_MS = { min: SECOND, max: 60 * SECOND } as const;
/** One alarm works so long, ms; the next one follows at once. The platform gives one 15 minutes. */
export const TURN_MS = 60 * SECOND;
/** While a batch is under way an alarm stands at most so far ahead, ms: a crash is found then. */
export const GUARD_MS = 10 * SECOND;
/** Files and batches that are over are looked for this often, ms. */
export const SWEEP_MS = HOUR;
