/**
 * Decides what an error of a queue means that cannot read what it has stored: the key is not there. It is a state of the
 * deployment, not of a job: nothing is taken in, given out, ended or deleted until the key is.
 */

const LOCKED = "jobs_locked";

export const lockedError = (why: string): Error => new Error(`${LOCKED}: ${why}`);

/** `error` may have crossed from a Durable Object: only its text is left of it then. */
export const isLocked = (error: unknown): error is Error => error instanceof Error && error.message.startsWith(LOCKED);
