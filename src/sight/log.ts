/**
 * The log of requests: one line of JSON each, the record itself. All that were not served, and a share of those that were
 * (`sight.logServed`). `wrangler tail`, the platform's log and a self-hosted router's output have the same lines.
 */
import { createLogBudget, takeLine } from "./core/log-budget.ts";
import type { RequestRecord } from "./core/record.ts";

/** Of this isolate. */
const budget = createLogBudget(0);

/** `servedShare`: 0 to 1. */
export function logRequest(record: RequestRecord, servedShare: number): void {
  if (record.outcome === "served" && Math.random() >= servedShare) return;
  const heldBack = takeLine(budget, Date.now());
  if (heldBack === null) return;
  // Null is what was not known or not there; a line is read by people, and billed by its length.
  const line = JSON.stringify({ event: "request", ...record, ...(heldBack === 0 ? {} : { heldBack }) }, known);
  console.log(line);
}

const known = (_name: string, value: unknown): unknown => value ?? undefined;
