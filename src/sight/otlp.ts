/**
 * Sends spans to where the config says (`sight.otlp`): at most one export a second and isolate, awaited by no request. A part of
 * the bundle that only such a config loads.
 *
 * Model. What waits is data, and survives the request that brought it; the timer and the call are of the request that is there
 * when an export is due. One that never comes to it (its isolate ended) is replaced by the next request's.
 */
import { callService } from "../../backends/egress.ts";
import type { SightConfig } from "../config/sight-schema.ts";
import { secretIn } from "../wire/secrets.ts";
import type { RequestRecord } from "./core/record.ts";
import {
  createSpanQueue,
  enqueue,
  EXPORT_MAX,
  exportAfterMs,
  noteExported,
  noteFailed,
  takeExport,
} from "./core/span-queue.ts";
import { exportOf } from "./core/spans.ts";
import type { SeenHost } from "./seen.ts";

type Otlp = NonNullable<SightConfig["otlp"]>;

/** A receiver that has not answered by then has not taken it, ms. */
const EXPORT_TIMEOUT_MS = 5_000;
/** At most one line about failures in this time, ms. */
const LINE_EVERY_MS = 60_000;

const VERSION = "0.1.0";

/** Of this isolate. */
const queue = createSpanQueue();
const due = { untilMs: 0, toldAtMs: Number.NEGATIVE_INFINITY };

export function exportSpans(host: SeenHost, otlp: Otlp, record: RequestRecord): void {
  enqueue(queue, record);
  const now = Date.now();
  if (now < due.untilMs) return;
  const waitMs = exportAfterMs(queue);
  due.untilMs = now + waitMs + EXPORT_TIMEOUT_MS;
  host.ctx.waitUntil(exportLater(host, otlp, waitMs));
}

async function exportLater(host: SeenHost, otlp: Otlp, waitMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  // Whatever is queued from here on needs an export of its own.
  due.untilMs = 0;
  for (let records = takeExport(queue); records.length > 0; records = takeExport(queue)) {
    if (!(await exportNow(host, otlp, records)) || records.length < EXPORT_MAX) break;
  }
}

async function exportNow({ env }: SeenHost, otlp: Otlp, records: readonly RequestRecord[]): Promise<boolean> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  for (const [name, { secret }] of Object.entries(otlp.headers)) {
    headers[name.toLowerCase()] = secretIn(env as Readonly<Record<string, unknown>>, secret) ?? "";
  }
  const body = JSON.stringify(exportOf(records, VERSION));
  const signal = AbortSignal.timeout(EXPORT_TIMEOUT_MS);
  const status = await callService(otlp.url, null, { method: "POST", headers, body, signal }).then(
    async (answer) => {
      await answer.body?.cancel();
      return answer.status;
    },
    () => null,
  );
  if (status !== null && status >= 200 && status < 300) {
    noteExported(queue);
    return true;
  }
  // What the protocol calls retryable; all else it would refuse again.
  const mayRetry = status === null || status === 429 || status === 502 || status === 503 || status === 504;
  noteFailed(queue, records, !mayRetry);
  tell(status);
  return false;
}

function tell(status: number | null): void {
  const now = Date.now();
  if (now - due.toldAtMs < LINE_EVERY_MS) return;
  due.toldAtMs = now;
  console.log(
    JSON.stringify({ event: "spans_not_exported", status, dropped: queue.dropped, waiting: queue.waiting.length }),
  );
  queue.dropped = 0;
}
