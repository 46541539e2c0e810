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

/** Files and batches that are over are looked for this often, ms. */
export const SWEEP_MS = HOUR;
