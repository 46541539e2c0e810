/**
 * The one place where the record of a request that has ended goes out: to the counts, to Analytics
 * Engine where it is bound, to the log, and to a receiver of spans where there is one.
 */
import { part } from "../dispatch/part.ts";
import { writePoint } from "./analytics.ts";
import type { CandidateRecord, RequestRecord } from "./core/record.ts";
import { logRequest } from "./log.ts";
import { noteRecord } from "./outbox.ts";
import type { SeenHost } from "./seen.ts";

const otlpPart = part(async () => import("./otlp.ts"));

/** `candidates` are for who watches alone: no line is so long, and no span. */
export function recordEnded(
  host: SeenHost,
  record: RequestRecord,
  candidates: readonly CandidateRecord[] | null = null,
): void {
  const { logServed, otlp } = host.runtime.config.sight;
  noteRecord(host, candidates === null ? record : { ...record, candidates });
  writePoint(host.env, record);
  logRequest(record, logServed);
  if (otlp === undefined || record.span?.sampled !== true) return;
  host.ctx.waitUntil(otlpPart().then(({ exportSpans }) => exportSpans(host, otlp, record)));
}
