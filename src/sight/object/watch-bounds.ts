/** The bounds of those who watch, with their reasons. */

/** Pages that watch at once. With `WATCHER_BYTES_MAX` three quarters of an object's 128 MB. */
export const WATCHERS_MAX = 32;
/** Characters on the way to one socket since its last ping. */
export const WATCHER_BYTES_MAX = 3 * 1024 * 1024;
/** A page that has not pinged for so long is gone, ms: four of its pings. */
export const WATCHER_SILENT_MS = 60_000;
/** Who asked for a snapshot watches for so long, ms: five of the page's questions. */
export const POLLED_MS = 10_000;
