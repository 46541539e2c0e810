/** Reads a request's body up to a cap, and what the router needs to know of it. */
import { err, ok } from "../core/result.ts";
import type { Result } from "../core/result.ts";

/**
 * The body, or `body_too_large`. A declared length above the cap is refused unread; a declared length below it is what
 * the HTTP layer delivers at most; without one the bytes are counted as they come, and reading stops at the cap.
 */
export async function readBody(request: Request, bytesMax: number): Promise<Result<ArrayBuffer, "body_too_large">> {
  const declared = request.headers.get("content-length");
  if (declared !== null) {
    if (Number(declared) > bytesMax) return err("body_too_large");
    const bytes = await request.arrayBuffer();
    return bytes.byteLength > bytesMax ? err("body_too_large") : ok(bytes);
  }
  if (request.body === null) return ok(new ArrayBuffer(0));
  const chunks: Uint8Array[] = [];
  let total = 0;
  const reader = request.body.getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    total += read.value.byteLength;
    if (total > bytesMax) {
      await reader.cancel();
      return err("body_too_large");
    }
    chunks.push(read.value);
  }
  return ok(await new Blob(chunks).arrayBuffer());
}

/** Has no state between calls that decode a whole text. */
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** The JSON of a body; null when it is not JSON in UTF-8. JSON's own null is no body that any path takes. */
export function parseJson(bytes: ArrayBuffer): unknown {
  try {
    return JSON.parse(UTF8.decode(bytes)) as unknown;
  } catch {
    return null;
  }
}

/** ES2026's access to a value's source text, which the type library does not have yet. */
type JsonWithSource = {
  parse(text: string, reviver: (name: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(source: string): object;
  isRawJSON(value: unknown): boolean;
};
const { parse, rawJSON, isRawJSON } = JSON as unknown as JsonWithSource;

/**
 * A body in which strings were changed, as bytes; null when it is nested too deep to be written. Everything else is as it
 * came: a number keeps the digits that a double cannot hold.
 */
export function writeJson(changed: unknown, original: ArrayBuffer): Uint8Array | null {
  try {
    const exact = parse(UTF8.decode(original), (_, value, { source }) =>
      typeof value === "number" && source !== undefined && String(value) !== source ? rawJSON(source) : value,
    );
    return new TextEncoder().encode(JSON.stringify(withNumbersOf(exact, changed)));
  } catch (error) {
    // The stack's end: parsing has no such limit, writing has.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function withNumbersOf(exact: unknown, changed: unknown): unknown {
  if (isRawJSON(exact)) return exact;
  if (typeof changed !== "object" || changed === null || typeof exact !== "object" || exact === null) return changed;
  if (Array.isArray(changed)) return changed.map((item, at) => withNumbersOf((exact as unknown[])[at], item));
  const members = Object.entries(changed).map(([name, value]) => {
    return [name, withNumbersOf((exact as Record<string, unknown>)[name], value)] as const;
  });
  return Object.fromEntries(members);
}
