/** Told apart: somebody who wants it ended at once, and one wish that arrives twice. */

/**
 * A Ctrl-C of the terminal, or a supervisor's signal to the whole group, arrives by itself and once more from npm or from
 * `bin/warmpath.mjs`: within this time it is the same one, ms.
 */
export const SAME_PRESS_MS = 250;
