/**
 * Decides which lines of workerd's own output reach the log. The Worker's lines all do.
 *
 * Model. workerd tells of every host name that cannot be looked up, and of every CONNECT, with a stack of its own
 * addresses, although the Worker has handled the failure or never saw the request. Stacks are left out, and what it
 * says is told once in REPEAT_MS, by its text without the numbers of the occasion. Rejected: to leave its lines out
 * altogether, since some are the only word of a fault.
 */

/** The same line is told again after this, ms. */
export const REPEAT_MS = 60_000;

/** Different lines that are remembered; beyond it the oldest is told anew. */
export const LINES_MAX = 100;

const OWN_LINE = /^workerd\/\S+?:\d+: \w+: |^Received a connect event /;
const STACK_LINE = /^stack: /;
/** What differs from one time to the next. */
const OCCASION = /(?:wdErrId|reference) = \w+|\b[0-9a-f]{7,}\b|\d+/g;

export type LineFilter = {
  /** The text that may be shown, whole lines only. */
  readonly push: (text: string, nowMs: number) => string;
  /** What was held back of the last line. */
  readonly end: () => string;
};

export function createLineFilter(): LineFilter {
  const toldAtMs = new Map<string, number>();
  let rest = "";
  const isShown = (line: string, nowMs: number): boolean => {
    if (STACK_LINE.test(line)) return false;
    if (!OWN_LINE.test(line)) return true;
    const key = line.replaceAll(OCCASION, "#");
    const lastMs = toldAtMs.get(key);
    if (lastMs !== undefined && nowMs - lastMs < REPEAT_MS) return false;
    toldAtMs.delete(key);
    toldAtMs.set(key, nowMs);
    const [oldest] = toldAtMs.keys();
    if (toldAtMs.size > LINES_MAX && oldest !== undefined) toldAtMs.delete(oldest);
    return true;
  };
  return {
    push(text, nowMs) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      return lines
        .filter((line) => isShown(line, nowMs))
        .map((line) => `${line}\n`)
        .join("");
    },
    end() {
      const last = rest;
      rest = "";
      return last;
    },
  };
}
