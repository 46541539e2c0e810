/**
 * The classes in which requests wait. Few, and by name: a number would have to be explained wherever it is read, and
 * the eight urgencies of RFC 9218 are more than an operator can tell apart. Rejected: the body's `priority`, which is
 * vLLM's own and goes on unread.
 */

/** The first of them goes first. */
export const PRIORITIES = ["high", "normal", "low"] as const;

export type Priority = (typeof PRIORITIES)[number];

/** Who says nothing, and every Worker that knows no classes. */
export const PRIORITY_DEFAULT: Priority = "normal";

const RANK_DEFAULT = PRIORITIES.indexOf(PRIORITY_DEFAULT);

/** 0 goes first. A class that this version does not know is the default. */
export function rankOf(priority: Priority = PRIORITY_DEFAULT): number {
  const rank = PRIORITIES.indexOf(priority);
  return rank < 0 ? RANK_DEFAULT : rank;
}

/** A number for each class. */
export type ByPriority = Readonly<Record<Priority, number>>;
