/** ES2026's access to a value's source text, which the type library does not have yet. */
type JsonWithSource = {
  parse(text: string, reviver: (name: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(source: string): object;
  isRawJSON(value: unknown): boolean;
};

export const { parse, rawJSON, isRawJSON } = JSON as unknown as JsonWithSource;

/** An integer of sixteen digits may have more than a double holds. */
const MAY_BE_LONG = /\d{16}/;

/**
 * As `JSON.parse`, and throws where it does; but an integer that a double cannot hold is an object that `JSON.stringify`
 * writes as its digits.
 */
export function parseLong(text: string): unknown {
  if (!MAY_BE_LONG.test(text)) return JSON.parse(text) as unknown;
  return parse(text, (_, value, { source }) =>
    typeof value === "number" && source !== undefined && /^-?\d+$/.test(source) && String(value) !== source
      ? rawJSON(source)
      : value,
  );
}

/** The digits of such an integer; null: it is another value. */
export function longDigits(value: unknown): string | null {
  return isRawJSON(value) ? (value as { readonly rawJSON: string }).rawJSON.replace("-", "") : null;
}
