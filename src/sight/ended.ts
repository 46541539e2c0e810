/**
 * The one place where the record of a request that has ended goes out: to the counts, to Analytics
 * Engine where it is bound, and to the log.
 */
import { writePoint } from "./analytics.ts";
import type { RequestRecord } from "./core/record.ts";
import { logRequest } from "./log.ts";
import { noteRecord } from "./outbox.ts";
import type { SeenHost } from "./seen.ts";

export function recordEnded(host: SeenHost, record: RequestRecord): void {
  noteRecord(host, record);
  writePoint(host.env, record);
  logRequest(record, host.runtime.config.sight.logServed);
}
