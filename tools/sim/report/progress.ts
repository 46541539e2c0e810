/** A progress bar on a terminal, nothing elsewhere. It writes to stderr, so that a piped table stays a table. */

/** Redrawing more often than this only costs time, ms. */
const REDRAW_MS = 100;

const WIDTH = 30;

/** What is needed of a stream. */
export type Terminal = { readonly isTTY?: boolean; write(text: string): unknown };

export type Progress = { readonly step: (what: string) => void; readonly finish: () => void };

export function createProgress(total: number, terminal: Terminal, now: () => number): Progress {
  if (terminal.isTTY !== true) return { step: () => undefined, finish: () => undefined };
  let done = 0;
  let drawnMs = -Infinity;
  const startedMs = now();
  return {
    step: (what) => {
      done += 1;
      if (now() - drawnMs < REDRAW_MS && done < total) return;
      drawnMs = now();
      const filled = Math.round((WIDTH * done) / total);
      const left = ((drawnMs - startedMs) / done) * (total - done);
      const bar = "#".repeat(filled).padEnd(WIDTH, ".");
      terminal.write(`\r\u001b[K[${bar}] ${done}/${total} ${Math.ceil(left / 1_000)} s left  ${what.slice(0, 40)}`);
    },
    finish: () => {
      terminal.write("\r\u001b[K");
    },
  };
}
