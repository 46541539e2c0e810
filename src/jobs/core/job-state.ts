/** The words that a job's state machine and its history share. */
export type TerminalState = "completed" | "failed" | "cancelled" | "timed_out" | "expired";

/** `retrying`: waits for an instant, the end of a backoff or a scheduled start. */
export type JobState = "queued" | "running" | "retrying" | TerminalState;

/** Small values travel in the row, large ones lie in the object store. */
export type StoredValue =
  | { readonly kind: "inline"; readonly json: string }
  | { readonly kind: "object"; readonly key: string; readonly bytes: number };
