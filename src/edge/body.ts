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

/** The JSON of a body; null when it is not JSON in UTF-8. JSON's own null is no body that any path takes. */
export function parseJson(bytes: ArrayBuffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes)) as unknown;
  } catch {
    return null;
  }
}
