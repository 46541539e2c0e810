/**
 * Turns the answer of an endpoint into one of the protocol that its client speaks: the bytes around `translate/core`.
 *
 * Model. A `Response` becomes a `Response`, so that whoever waits for it, judges it, reads its usage and ends it sees the
 * client's protocol alone. A stream that breaks off breaks off here too, and one that is closed too early ends without its
 * protocol's end: the relay tells the error of either (`relay.ts`).
 */
import { createSseSplitter, readEvent, splitEvents } from "../lib/sse.ts";
import { errorOf } from "../translate/core/chat-answer.ts";
import { parsed } from "../translate/core/json.ts";
import { renameStream, renameWhole } from "../translate/core/rename-ids.ts";
import type { Rename } from "../translate/core/rename-ids.ts";
import type { StreamTranslator } from "../translate/core/stream-port.ts";
import type { Back, Translation } from "../translate/core/translations.ts";
import { readStart, readWhole } from "../wire/read-body.ts";
import { isEventStream } from "./answer-format.ts";
import { rewriteText, STREAM_OPENING } from "./text-rewriter.ts";
import type { TextRun } from "./text-rewriter.ts";

/** Longest whole answer that is told in another protocol: an isolate holds it twice meanwhile. */
export const TOLD_BYTES_MAX = 16 * 1024 * 1024;

/** An error's body is a message. */
const ERROR_BYTES_MAX = 65_536;

export type Spawn = (work: Promise<unknown>) => void;

/** `null`: it is no answer to that question. */
export async function toldAnswer(
  response: Response,
  { error }: Pick<Translation, "error">,
  back: Back,
  spawn: Spawn,
): Promise<Response | null> {
  const { status, headers, body } = response;
  if (status >= 400) {
    const bytes = await readStart(body, ERROR_BYTES_MAX);
    const told = errorOf(parsed(decoded(bytes)), status);
    return told === null ? again(response, bytes) : json(response, status, error({ ...told, status }));
  }
  if (body !== null && isEventStream(headers.get("content-type") ?? "")) {
    return again(response, rewritten(body, translating(back.stream()), spawn));
  }
  const bytes = await readWhole(body, TOLD_BYTES_MAX);
  const value = parsed(decoded(bytes ?? new Uint8Array(0)));
  const told = back.whole(value);
  if (told !== null) return json(response, status, told);
  const failure = errorOf(value, 500);
  return failure === null ? null : json(response, failure.status, error(failure));
}

/** The same answer, with the ids of responses under other names. `known`: ids that are in it for certain. */
export async function renamedAnswer(
  response: Response,
  rename: Rename,
  known: readonly string[],
  spawn: Spawn,
): Promise<Response> {
  const { status, headers, body } = response;
  if (body === null || status >= 400) return response;
  if (isEventStream(headers.get("content-type") ?? "")) {
    return again(response, rewritten(body, renameStream(rename, known), spawn));
  }
  const bytes = await readWhole(body, TOLD_BYTES_MAX);
  return again(response, bytes === null ? null : renameWhole(decoded(bytes), rename, known));
}

const decoded = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A comment keeps a stream alive, in every protocol. */
const COMMENT = ":\n\n";

/** What one event says follows from it alone, and a comment stays one, however the stream was cut into pieces. */
function translating(translator: StreamTranslator): TextRun {
  const splitter = createSseSplitter();
  let isAtStart = true;
  let isBroken = false;
  return {
    push(text) {
      if (isBroken || text === "") return "";
      const split = splitEvents(splitter, isAtStart ? text.replace(/^\uFEFF/, "") : text);
      isAtStart = false;
      // Beyond the longest event nothing can be told: it ends as one that was cut.
      isBroken = !split.ok;
      let told = "";
      for (const part of split.ok ? split.value : split.error.events) {
        const event = readEvent(part);
        if (event !== null) told += translator.take(event.data);
        else if (part.startsWith(":")) told += COMMENT;
      }
      return told;
    },
    end: () => (isBroken ? "" : translator.end()),
  };
}

function rewritten(body: ReadableStream<Uint8Array>, run: TextRun, spawn: Spawn): ReadableStream<Uint8Array> | null {
  const { readable, writable } = new IdentityTransformStream();
  // Whichever side ends it, the other one is told by the pipe itself.
  spawn(opened(body, writable).catch(() => undefined));
  return rewriteText(readable, run);
}

async function opened(body: ReadableStream<Uint8Array>, writable: WritableStream<Uint8Array>): Promise<void> {
  const writer = writable.getWriter();
  await writer.write(STREAM_OPENING);
  writer.releaseLock();
  await body.pipeTo(writable);
}

function again({ status, headers }: Response, body: BodyInit | null): Response {
  const told = new Headers(headers);
  told.delete("content-length");
  told.delete("content-encoding");
  return new Response(body, { status, headers: told });
}

function json(response: Response, status: number, value: object): Response {
  const { headers } = again(response, null);
  headers.set("content-type", "application/json");
  return new Response(JSON.stringify(value), { status, headers });
}
