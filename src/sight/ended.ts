/**
 * The one place where the record of a request that has ended goes out: to the log.
 */
import type { RequestRecord } from "./core/record.ts";
import { logRequest } from "./log.ts";
import type { SeenHost } from "./seen.ts";

export function recordEnded({ runtime }: SeenHost, record: RequestRecord): void {
  logRequest(record, runtime.config.sight.logServed);
}
