/**
 * Reads a request's body within bounds, and what the router needs to know of it.
 *
 * Model. A declared length above the bound is refused unread; a declared length below it is what the HTTP layer
 * delivers at most; without one the bytes are counted as they come. A body has a time in which it must have come. A
 * compressed one is unpacked, because rails and routing must read it, and bounded again on its way out. A refusal waits
 * until the client has sent what it is sending, within bounds: a connection that is closed on unread bytes is reset,
 * and the answer is lost with it.
 */
import { isRawJSON, parse, parseLong, rawJSON } from "../lib/json-source.ts";
import { bufferOf, joined } from "../lib/bytes.ts";
import { err, ok } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { readPieces } from "./read-body.ts";
import type { Coding } from "./unpack.ts";

/** Read and thrown away before a refusal: more than any body that a config may allow to be held. */
export const DRAIN_BYTES_MAX = 32 * 1024 * 1024;
/** Longest time for that, ms. */
const DRAIN_MS_MAX = 10_000;
/** A client that sends nothing for so long waits for the answer, ms. */
const DRAIN_IDLE_MS_MAX = 1_000;

export type BodyBounds = { readonly bytesMax: number; readonly timeoutMs: number };

/** `broken_off`: the client left, or what it sent was not framed as HTTP says. */
export type BodyProblem = "too_large" | "too_slow" | "unknown_coding" | "broken_coding" | "broken_off";

/** Of a Content-Encoding header (RFC 9110, 8.4.1); null: the body is as it is. */
export function codingOf(header: string | null): Coding | null | "unknown" {
  const name = header?.trim().toLowerCase() ?? "";
  if (name === "" || name === "identity") return null;
  if (name === "gzip" || name === "x-gzip") return "gzip";
  return name === "deflate" ? "deflate" : "unknown";
}

export async function readBytes(
  request: Request,
  { bytesMax, timeoutMs }: BodyBounds,
): Promise<Result<ArrayBuffer, BodyProblem>> {
  const { headers, body } = request;
  const coding = codingOf(headers.get("content-encoding"));
  if (coding === "unknown") return err("unknown_coding");
  const declared = headers.get("content-length");
  if (Number(declared) > bytesMax) return err("too_large");
  if (body === null) return ok(new ArrayBuffer(0));
  const late = Promise.withResolvers<Result<never, "too_slow">>();
  let reader: Reader | null = null;
  const timer = setTimeout(() => {
    void reader?.cancel();
    late.resolve(err("too_slow"));
  }, timeoutMs);
  try {
    const whole = declared === null ? collect((reader = body.getReader()), bytesMax) : takeWhole(request, bytesMax);
    const read = await Promise.race([whole.catch(() => BROKEN_OFF), late.promise]);
    if (!read.ok || coding === null) return read;
    const { unpack } = await import("./unpack.ts");
    return await unpack(read.value, coding, bytesMax);
  } finally {
    clearTimeout(timer);
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

const BROKEN_OFF: Result<never, "broken_off"> = err("broken_off");

/** Natively, in one piece. */
async function takeWhole(request: Request, bytesMax: number): Promise<Result<ArrayBuffer, "too_large">> {
  const bytes = await request.arrayBuffer();
  return bytes.byteLength > bytesMax ? err("too_large") : ok(bytes);
}

async function collect(reader: Reader, bytesMax: number): Promise<Result<ArrayBuffer, "too_large">> {
  const { pieces, isWhole } = await readPieces(reader, bytesMax);
  if (isWhole) return ok(bufferOf(joined(pieces)));
  await drain(reader);
  return err("too_large");
}

/**
 * Throws away what the client still sends of a body that nobody has begun to read. One that asked first, by Expect, has
 * sent nothing, and reading would tell it to.
 */
export async function drainUnread({ body, bodyUsed, headers }: Request): Promise<void> {
  if (body !== null && !bodyUsed && !headers.has("expect")) await drain(body.getReader());
}

type Source = {
  readonly read: () => Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  readonly cancel: () => Promise<void>;
};

/** Never rejects: a client that is gone has no use for the answer. */
export async function drain(reader: Source): Promise<void> {
  const startedAtMs = Date.now();
  let total = 0;
  try {
    while (total <= DRAIN_BYTES_MAX && Date.now() - startedAtMs < DRAIN_MS_MAX) {
      const read = await orIdle(reader.read());
      if (read === null || read.done) break;
      total += read.value?.byteLength ?? 0;
    }
    await reader.cancel();
  } catch {
    // It left, or broke off.
  }
}

/** Null when nothing came for `DRAIN_IDLE_MS_MAX`. */
async function orIdle<Value>(read: Promise<Value>): Promise<Value | null> {
  const idle = Promise.withResolvers<null>();
  const timer = setTimeout(() => idle.resolve(null), DRAIN_IDLE_MS_MAX);
  try {
    return await Promise.race([read, idle.promise]);
  } finally {
    clearTimeout(timer);
  }
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

/** The same, with integers that a double cannot hold as they were written (`parseLong`). */
export function parseLongJson(bytes: ArrayBuffer): unknown {
  try {
    return parseLong(UTF8.decode(bytes));
  } catch {
    return null;
  }
}

/** The text of a body; null when it is not UTF-8. */
export function textOf(bytes: ArrayBuffer): string | null {
  try {
    return UTF8.decode(bytes);
  } catch {
    return null;
  }
}

/**
 * A body in which strings were changed, as bytes; null when it is nested too deep to be written. Everything else is as
 * it came: a number keeps the digits that a double cannot hold.
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
