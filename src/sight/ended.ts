/**
 * The one place where the record of a request that has ended goes out: to the log.
 */
import type { RequestRecord } from "./core/record.ts";
import type { SeenHost } from "./seen.ts";

export function recordEnded(_host: SeenHost, record: RequestRecord): void {
  if (record.outcome !== "served") console.log(JSON.stringify({ event: "request", ...record }));
}
