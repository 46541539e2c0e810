/**
 * Decides whether a report is new, and for how long a source is known.
 *
 * Model. Of each source the last number that was counted is kept. A report with that number or a lower one is a repeat; one
 * that leaves numbers out shows how many were given up. A source is forgotten a day after its last report, or when there are
 * too many, the one that was silent for longest first: its sums stay. An isolate gives a report up long before that
 * (`REPORT_LIFE_MS`), so no repeat comes of a source that is forgotten.
 */

/** A source that is silent for this long is gone, ms. */
export const SOURCE_LIFE_MS = 24 * 3_600_000;
/** More isolates than a deployment has at once. */
export const SOURCES_MAX = 20_000;

export type Source = { readonly seq: number; readonly seenAtMs: number };

export type Sources = Map<string, Source>;

/** `new`: to be counted; `missing` before it were given up. */
export type Arrival = { readonly kind: "repeat" } | { readonly kind: "new"; readonly missing: number };

/** The map's order is that of the last words, so that the first one was silent for longest. */
export function arrive(sources: Sources, source: string, seq: number, now: number): Arrival {
  const known = sources.get(source);
  if (known !== undefined && seq <= known.seq) return { kind: "repeat" };
  sources.delete(source);
  sources.set(source, { seq, seenAtMs: now });
  // Of a source that is not known nobody can say what came before.
  return { kind: "new", missing: known === undefined ? 0 : seq - known.seq - 1 };
}

/** Forgets who is gone; returns their names. */
export function forgetGone(sources: Sources, now: number): readonly string[] {
  const gone: string[] = [];
  for (const [name, { seenAtMs }] of sources) {
    if (sources.size <= SOURCES_MAX && now - seenAtMs < SOURCE_LIFE_MS) break;
    sources.delete(name);
    gone.push(name);
  }
  return gone;
}
