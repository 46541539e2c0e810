/** The JSON in the events of a stream, and the protocols that they are of. */
import { parseLong } from "../../../lib/json-source.ts";

export type Json = Record<string, unknown>;

/** An event that we write ourselves. */
export type OutEvent = { readonly event: string | null; readonly data: Json };

export function parseJson(text: string): Json | null {
  try {
    return asRecord(parseLong(text));
  } catch {
    return null;
  }
}

/** Any value but null, which says nothing; null also where it is no JSON. */
export function anyJson(text: string): unknown {
  try {
    return parseLong(text);
  } catch {
    return null;
  }
}

export function asRecord(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

/** The objects in an array; none of anything else. */
export function recordsIn(value: unknown): Json[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown) => {
    const record = asRecord(item);
    return record === null ? [] : [record];
  });
}

export type StreamFormatName = "chat" | "completions" | "responses" | "anthropic";

/**
 * What the rails read: one of the known protocols, what was said in a sound, which may be a bare text, or whatever a
 * server's own API says.
 */
export type RailedFormat = StreamFormatName | "transcript" | "any";
