/** Says what operators are to be told of a shard's endpoints: in the log, and in its state for people. */
import type { ShownEndpoint } from "../../wire/shard-status.ts";
import type { EndpointView } from "../core/endpoint/endpoint-view.ts";
import type { NewsLine, ShardNews } from "../core/shard/news.ts";
import type { NewsPlace, ShownFailure } from "../../wire/news-line.ts";

/** Null: the config has no such endpoint. */
export type PlaceOf = (endpointId: string) => NewsPlace | null;

export async function logNews(lines: readonly NewsLine[], placeOf: PlaceOf): Promise<void> {
  const { newsLine } = await loadWords();
  for (const line of lines) {
    const place = placeOf(line.endpointId);
    if (place !== null) console.log(newsLine(line, place, Date.now()));
  }
}

export async function showEndpoints(
  views: readonly EndpointView[],
  lastFailures: ShardNews["lastFailures"],
  placeOf: PlaceOf,
): Promise<ShownEndpoint[]> {
  const shown = await showFailures(lastFailures, placeOf);
  return views.map((view) => ({ ...view, lastFailure: shown[view.id] ?? null }));
}

/** What failed last, by endpoint. */
export async function showFailures(
  lastFailures: ShardNews["lastFailures"],
  placeOf: PlaceOf,
): Promise<Readonly<Record<string, ShownFailure>>> {
  if (lastFailures.size === 0) return {};
  const { shownFailure } = await loadWords();
  const now = Date.now();
  const shown: Record<string, ShownFailure> = {};
  for (const [endpointId, failure] of lastFailures) {
    const place = placeOf(endpointId);
    if (place !== null) shown[endpointId] = shownFailure(failure, place, now);
  }
  return shown;
}

/** A part of the bundle, since most objects never need it. */
let words: typeof import("../../wire/news-line.ts") | null = null;

async function loadWords(): Promise<typeof import("../../wire/news-line.ts")> {
  words ??= await import("../../wire/news-line.ts");
  return words;
}
