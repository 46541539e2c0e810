/** What is counted of copies (`gateway/shadow.ts`): they are no requests, and have no records. */
import { COUNTED } from "./core/metric-names.ts";
import { add, keyOf, observe } from "./core/tally.ts";
import { noteCounts } from "./outbox.ts";
import type { OutboxHost } from "./outbox.ts";

export type ShadowTold = {
  readonly pool: string;
  readonly shadow: string;
  readonly result: string;
  readonly status: number | null;
  readonly firstTokenMs: number | null;
};

export function noteShadow(host: OutboxHost, { pool, shadow, result, status, firstTokenMs }: ShadowTold): void {
  noteCounts(host, (tally) => {
    add(tally, keyOf("shadows", pool, shadow, result, status === null ? "" : String(status)), 1);
    if (firstTokenMs === null) return;
    observe(tally, keyOf("shadowFirstToken", pool, shadow), COUNTED.shadowFirstToken.bucketsS ?? [], firstTokenMs);
  });
}
