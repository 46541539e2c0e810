/** What the pipeline tells of a request on its way (`sight/seen.ts`). */
import type { Checked } from "../rails/check.ts";
import type { Seen } from "../sight/seen.ts";
import { choicesAsked } from "../wire/output-asked.ts";
import type { EdgePool } from "../dispatch/runtime.ts";

export function noteParcel(
  seen: Seen,
  {
    pool,
    bytes,
    json,
    stream,
  }: {
    readonly pool: EdgePool;
    readonly bytes: ArrayBuffer | null;
    readonly json: unknown;
    readonly stream: boolean;
  },
): void {
  const { models } = pool.config;
  const { model } = (typeof json === "object" && json !== null ? json : {}) as { readonly model?: unknown };
  seen.pool = pool;
  seen.model = models.find((name) => name === model) ?? (models.length === 1 ? (models[0] ?? null) : null);
  if (pool.config.prices?.perRequest !== undefined) seen.answersAsked = choicesAsked(json);
  seen.stream = stream;
  seen.bytesIn = bytes?.byteLength ?? 0;
}

export function noteChecked(seen: Seen, { records, tookMs }: Checked): void {
  seen.rails = records;
  seen.railsMs = tookMs;
}
