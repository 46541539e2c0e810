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
import { parsed } from "../translate/core/json.ts";
import { behind, modelRun, withAsked } from "../translate/core/rename-model.ts";
import { renameStream, renameWhole } from "../translate/core/rename-ids.ts";
import type { Rename } from "../translate/core/rename-ids.ts";
import { toldStream, toldWhole } from "../translate/core/told.ts";
import type { TextRun } from "../translate/core/told.ts";
import type { Back, Translation } from "../translate/core/translations.ts";
import { readWhole } from "../wire/read-body.ts";
import type { Answer, Refusal } from "../wire/refusal.ts";
import type { AnswerStream } from "./begun-answer.ts";
import { isDecoded } from "./answer-format.ts";
import { rewriteText, STREAM_OPENING } from "./text-rewriter.ts";

/** Longest whole answer that is told in another protocol: an isolate holds it a few times meanwhile. */
const TOLD_BYTES_MAX = 16 * 1024 * 1024;

/** How an answer goes on from here. */
export type Onward = {
  /** Path that was asked at the endpoint: rails read the answer by it. */
  readonly path: string;
  /** For a stream of events, once: behind rails, or by itself. */
  readonly run: () => TextRun;
  readonly pipe: (body: AnswerStream) => ReadableStream<Uint8Array> | null;
  /** For any other answer. `isShort`: all of it is here. */
  readonly whole: (answer: Response, isShort: boolean) => Promise<Answer>;
};

export function onwardTold(translation: Translation, back: Back): Onward {
  const run = (): TextRun => toldStream(back.stream());
  return {
    path: translation.path,
    run,
    pipe: piping(run),
    async whole(answer) {
      const read = await readAnswer(answer);
      if ("refusal" in read) return read.refusal;
      const told = toldWhole(translation, back, answer.status, parsed(read.text));
      return told === null ? { reason: "upstream_failed" } : written(answer, told);
    },
  };
}

/** The same answer, with the ids of responses under other names. `known`: ids that are in it for certain. */
export function onwardRenamed(path: string, rename: Rename, known: readonly string[]): Onward {
  const run = (): TextRun => renameStream(rename, known);
  return {
    path,
    run,
    pipe: piping(run),
    async whole(answer) {
      if (answer.status >= 400 || !isDecoded(answer.headers.get("content-encoding"))) return answer;
      const read = await readAnswer(answer);
      return "refusal" in read ? read.refusal : again(answer, renameWhole(read.text, rename, known));
    },
  };
}

/** The same answer, or what `first` makes of it, with the client's name of its model. */
export function onwardAsked(path: string, asked: string, first: Onward | null): Onward {
  const run = (): TextRun => {
    const last = modelRun(asked, true);
    return first === null ? last : behind(first.run(), last);
  };
  return {
    path: first?.path ?? path,
    run,
    pipe: piping(run),
    async whole(answer, isShort) {
      const told = first === null ? answer : await first.whole(answer, isShort);
      if (!(told instanceof Response) || told.status >= 300 || told.body === null || !isJson(told)) return told;
      if (isShort) return again(told, withAsked(await told.text(), asked, false));
      return again(told, changed(told.body, modelRun(asked, false)));
    },
  };
}

/** Any other type has no names in it that anybody here could read. */
const isJson = ({ headers }: Response): boolean =>
  isDecoded(headers.get("content-encoding")) && (headers.get("content-type") ?? "").includes("json");

/** Of any length, as it comes. It is no stream of tokens: each piece may pass JavaScript. */
function changed(body: ReadableStream<Uint8Array>, { push, end }: TextRun): ReadableStream<Uint8Array> {
  const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  const encoder = new TextEncoder();
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform: (piece, to) => to.enqueue(encoder.encode(push(decoder.decode(piece, { stream: true })))),
      flush: (to) => to.enqueue(encoder.encode(push(decoder.decode()) + end())),
    }),
  );
}

const piping =
  (run: () => TextRun): Onward["pipe"] =>
  (body) =>
    rewriteText(body.pipe(STREAM_OPENING).readable, run());

async function readAnswer({ body }: Response): Promise<{ readonly text: string } | { readonly refusal: Refusal }> {
  try {
    const bytes = await readWhole(body, TOLD_BYTES_MAX);
    if (bytes === null) return { refusal: { reason: "upstream_failed", detail: TOO_LONG } };
    return { text: new TextDecoder().decode(bytes) };
  } catch {
    return { refusal: { reason: "upstream_cut" } };
  }
}

const TOO_LONG = `The endpoint's answer is longer than TOLD_BYTES_MAX (${TOLD_BYTES_MAX} bytes), which is all that can be told in this protocol. Ask for a stream.`;

function written(answer: Response, value: object): Response {
  const told = again(answer, JSON.stringify(value));
  told.headers.set("content-type", "application/json");
  return told;
}

/** Headers that describe the bytes: wrong once those have changed. */
const OF_THE_BYTES = ["content-length", "content-encoding", "etag", "content-md5", "digest", "content-digest"];

function again({ status, headers }: Response, body: string | ReadableStream<Uint8Array>): Response {
  const told = new Headers(headers);
  for (const name of OF_THE_BYTES) told.delete(name);
  return new Response(body, { status, headers: told });
}
