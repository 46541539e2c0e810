/**
 * Decides in which trace a request is told: in the one that it came in, else in a new one where spans are exported. A trace
 * that its client does not sample goes on, and is not exported.
 */
import type { SightConfig } from "../config/sight-schema.ts";
import { parseTraceparent } from "../wire/headers.ts";
import type { Trace } from "../dispatch/outgoing.ts";

/** Null: it is in none. */
export function traceOf(traceparent: string | null, { otlp }: SightConfig): Trace | null {
  const incoming = parseTraceparent(traceparent);
  if (incoming !== null) return { ...incoming, spanId: hexId(8) };
  if (otlp === undefined) return null;
  return { traceId: hexId(16), parentId: null, sampled: Math.random() < otlp.sample, spanId: hexId(8) };
}

/** Hex digits, of which no byte is zero. */
function hexId(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) =>
    (byte | 1).toString(16).padStart(2, "0"),
  ).join("");
}
