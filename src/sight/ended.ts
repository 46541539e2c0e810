/**
 * The one place where the record of a request that has ended goes out: to the counts, to Analytics
 * Engine where it is bound, to the log, and to a receiver of spans where there is one.
 */
import { part } from "../dispatch/part.ts";
import { writePoint } from "./analytics.ts";
import type { RequestRecord } from "./core/record.ts";
import { logRequest } from "./log.ts";
import { noteRecord } from "./outbox.ts";
import type { SeenHost } from "./seen.ts";

const otlpPart = part(async () => import("./otlp.ts"));

export function recordEnded(host: SeenHost, record: RequestRecord): void {
  const { logServed, otlp } = host.runtime.config.sight;
  noteRecord(host, record);
  writePoint(host.env, record);
  logRequest(record, logServed);
  if (otlp === undefined || record.span?.sampled !== true) return;
  host.ctx.waitUntil(otlpPart().then(({ exportSpans }) => exportSpans(host, otlp, record)));
}
