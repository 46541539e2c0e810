/** ES2026's access to a value's source text, which the type library does not have yet. */
type JsonWithSource = {
  parse(text: string, reviver: (name: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(source: string): object;
  isRawJSON(value: unknown): boolean;
};

export const { parse, rawJSON, isRawJSON } = JSON as unknown as JsonWithSource;
