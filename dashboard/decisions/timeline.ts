/** When the steps of a request ran, as bars of one axis: its arrival is 0, its end the full width. */
import type { ShownRequest } from "../record.ts";

export type Bar = {
  readonly name: string;
  readonly kind: "rails" | "lease" | "queue" | "attempt" | "lost";
  readonly fromMs: number;
  readonly toMs: number;
  /** Inside it: when the first byte came. */
  readonly markMs: number | null;
};

/** Rails and the lease begin together, at the arrival; the line is the end of the wait for the lease. */
export function barsOf({ ms, attempts }: ShownRequest): readonly Bar[] {
  const bars: Bar[] = [];
  if (ms.rails !== null) bars.push({ name: "rails", kind: "rails", fromMs: 0, toMs: ms.rails, markMs: null });
  if (ms.lease !== null) {
    const inLine = Math.min(ms.lease, ms.queue ?? 0);
    bars.push({ name: "lease", kind: "lease", fromMs: 0, toMs: ms.lease - inLine, markMs: null });
    if (inLine > 0)
      bars.push({ name: "in line", kind: "queue", fromMs: ms.lease - inLine, toMs: ms.lease, markMs: null });
  }
  for (const { endpoint, sentMs, endedMs, firstByteMs, lost } of attempts) {
    const kind = lost === null ? "attempt" : "lost";
    bars.push({ name: endpoint, kind, fromMs: sentMs, toMs: Math.max(sentMs, endedMs), markMs: firstByteMs });
  }
  return bars;
}

/** Length of the axis: the end of the request, or of what ended after it. */
export const axisMs = (bars: readonly Bar[], totalMs: number): number =>
  Math.max(1, totalMs, ...bars.map(({ toMs }) => toMs));
