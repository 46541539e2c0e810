/**
 * Turns an answer, on its way to the client, into one of the protocol that the client speaks: the bytes around
 * `translate/core`.
 *
 * Model. It stands behind everything else. Whoever waits for an answer, judges it, reads its usage, looks into it by rails
 * and ends it sees the protocol that the endpoint speaks; what they write last (the error of a stream that broke off, a
 * rail's closing) is told on as everything before it.
 * Rejected: to change the answer where it comes in. Its bytes would pass JavaScript and be a stream of another kind, which the
 * runtime cannot both tee and see end.
 */
import { createSseSplitter, readEvent, splitEvents } from "../lib/sse.ts";
import { errorOf } from "../translate/core/chat-answer.ts";
import { parsed } from "../translate/core/json.ts";
import { renameStream, renameWhole } from "../translate/core/rename-ids.ts";
import type { Rename } from "../translate/core/rename-ids.ts";
import type { StreamTranslator } from "../translate/core/stream-port.ts";
import type { Back, Translation } from "../translate/core/translations.ts";
import { readWhole } from "../wire/read-body.ts";
import type { Answer, Refusal } from "../wire/refusal.ts";
import type { AnswerStream } from "./begun-answer.ts";
import { isDecoded } from "./answer-format.ts";
import { rewriteText, STREAM_OPENING } from "./text-rewriter.ts";
import type { TextRun } from "./text-rewriter.ts";

/** Longest whole answer that is told in another protocol: an isolate holds it a few times meanwhile. */
export const TOLD_BYTES_MAX = 16 * 1024 * 1024;

/** How an answer goes on from here. */
export type Onward = {
  /** Path that was asked at the endpoint: rails read the answer by it. */
  readonly path: string;
  /** For a stream of events, once: behind rails, or by itself. */
  readonly run: () => TextRun;
  readonly pipe: (body: AnswerStream) => ReadableStream<Uint8Array> | null;
  /** For any other answer. */
  readonly whole: (answer: Response) => Promise<Answer>;
};

export const onwardTold = ({ path, error }: Translation, back: Back): Onward => ({
  path,
  run: () => translating(back.stream()),
  pipe: piping(() => translating(back.stream())),
  async whole(answer) {
    const value = await valueOf(answer);
    if ("refusal" in value) return value.refusal;
    const { status } = answer;
    const told = status < 300 ? back.whole(value.json) : null;
    if (told !== null) return written(answer, told);
    const failure = errorOf(value.json, status);
    // A page of a proxy's, in place of an error: in the client's form it says as much.
    if (failure === null && status < 400) return { reason: "upstream_failed" };
    return written(answer, error(failure === null ? pageOf(status) : { ...failure, status }));
  },
});

const pageOf = (status: number) => ({ status, message: `The endpoint answered ${status}.`, code: null });

/** The same answer, with the ids of responses under other names. `known`: ids that are in it for certain. */
export const onwardRenamed = (path: string, rename: Rename, known: readonly string[]): Onward => ({
  path,
  run: () => renameStream(rename, known),
  pipe: piping(() => renameStream(rename, known)),
  async whole(answer) {
    if (answer.status >= 400 || !isDecoded(answer.headers.get("content-encoding"))) return answer;
    const value = await valueOf(answer);
    return "refusal" in value ? value.refusal : again(answer, renameWhole(value.text, rename, known));
  },
});

const piping =
  (run: () => TextRun): Onward["pipe"] =>
  (body) =>
    rewriteText(body.pipe(STREAM_OPENING).readable, run());

type Read = { readonly text: string; readonly json: unknown } | { readonly refusal: Refusal };

async function valueOf({ body }: Response): Promise<Read> {
  try {
    const bytes = await readWhole(body, TOLD_BYTES_MAX);
    if (bytes === null) return { refusal: { reason: "upstream_failed" } };
    const text = new TextDecoder().decode(bytes);
    return { text, json: parsed(text) };
  } catch {
    return { refusal: { reason: "upstream_cut" } };
  }
}

/** A comment keeps a stream alive, in every protocol. */
const COMMENT = ":\n\n";

/** What one event says follows from it alone, and a comment stays one, however the stream was cut into pieces. */
function translating(translator: StreamTranslator): TextRun {
  const splitter = createSseSplitter();
  let isAtStart = true;
  return {
    push(text) {
      if (text === "") return "";
      const split = splitEvents(splitter, isAtStart ? withoutMark(text) : text);
      isAtStart = false;
      let told = "";
      for (const part of split.ok ? split.value : split.error.events) {
        const event = readEvent(part);
        if (event !== null) told += translator.take(event.data);
        else if (part.startsWith(":")) told += COMMENT;
      }
      // Beyond the longest event nothing more can be read.
      return split.ok ? told : told + translator.take(TOO_LONG);
    },
    end: () => translator.end(),
  };
}

const TOO_LONG = JSON.stringify({ error: { message: "The endpoint wrote an event that is too long.", code: 502 } });

const withoutMark = (text: string): string => text.replace(/^\uFEFF/, "");

function written(answer: Response, value: object): Response {
  const told = again(answer, JSON.stringify(value));
  told.headers.set("content-type", "application/json");
  return told;
}

/** Headers that describe the bytes: wrong once those have changed. */
const OF_THE_BYTES = ["content-length", "content-encoding", "etag", "content-md5", "digest", "content-digest"];

function again({ status, headers }: Response, body: string): Response {
  const told = new Headers(headers);
  for (const name of OF_THE_BYTES) told.delete(name);
  return new Response(body, { status, headers: told });
}
