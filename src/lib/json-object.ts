/** How JSON is read that somebody else has written. */

/** Neither null nor a list. */
export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What was written where a word belongs. An object is none, and has no text where its `toString` is a member of its own. */
export const wordOf = (value: unknown): string => (typeof value === "object" && value !== null ? "" : String(value));
