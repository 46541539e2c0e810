/** The JSON in the events of a stream, and the protocols that they are of. */

export type Json = Record<string, unknown>;

/** An event that we write ourselves. */
export type OutEvent = { readonly event: string | null; readonly data: Json };

export function parseJson(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return asRecord(value);
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
