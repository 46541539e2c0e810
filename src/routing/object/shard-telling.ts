/** Says what operators are to be told of a shard's endpoints: in the log, and in its state for people. */
import type { ShownEndpoint } from "../../wire/shard-status.ts";
import type { EndpointView } from "../core/endpoint/endpoint-view.ts";
import type { NewsLine, ShardNews } from "../core/shard/news.ts";
import type { NewsPlace } from "../../wire/news-line.ts";

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
  const words = lastFailures.size === 0 ? null : await loadWords();
  return views.map((view) => {
    const failure = lastFailures.get(view.id);
    const place = placeOf(view.id);
    const isShown = failure !== undefined && words !== null && place !== null;
    return { ...view, lastFailure: isShown ? words.shownFailure(failure, place, Date.now()) : null };
  });
}

/** A part of the bundle, since most objects never need it. */
let words: typeof import("../../wire/news-line.ts") | null = null;

async function loadWords(): Promise<typeof import("../../wire/news-line.ts")> {
  words ??= await import("../../wire/news-line.ts");
  return words;
}
