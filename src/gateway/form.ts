/**
 * A request in a form: pictures to be edited, sound to be written down. Loaded with the first.
 *
 * Model. The pool is chosen by the field `model`, which may come behind the file. A form of at most
 * `limits.uploadHeadBytesMax` is held, and goes the way of every other body: it may be sent again elsewhere. Of a longer one
 * only its beginning is held, until its model and its first file are there; the rest goes up as it comes
 * (`form-upload.ts`). Where the model comes later than that it has to be named beside the form.
 * The rails read a form's fields as they read the members of a JSON body, and of its files that there are some.
 */
import { ALL_READ } from "../rails/core/rail.ts";
import type { EdgePool } from "../dispatch/runtime.ts";
import { bufferOf, joined } from "../lib/bytes.ts";
import { codingOf } from "../wire/body.ts";
import { fieldsOf, withFields } from "../wire/form-fields.ts";
import type { FormFields } from "../wire/form-fields.ts";
import { boundaryOf, createFormScan } from "../wire/form-scan.ts";
import type { FormPart } from "../wire/form-scan.ts";
import { MODEL } from "../wire/headers.ts";
import { readInferenceBody } from "../wire/openai.ts";
import type { InferencePath } from "../wire/openai.ts";
import type { Answer, Refusal } from "../wire/refusal.ts";
import type { Authenticated } from "./edge-request.ts";
import { lateModel, NO_FORM, otherModel, tooLarge } from "./form-problems.ts";
import { FormSource } from "./form-source.ts";
import { formUpload } from "./form-upload.ts";
import type { FormUpload } from "./form-upload.ts";
import type { Parcel } from "./parcel.ts";
import { readBody } from "./read-body.ts";

/** What goes on with a request that was read: the pipeline's own. */
type Send = (edge: Authenticated, parcel: Omit<Parcel, "headers" | "asking">) => Promise<Answer>;

type Asked = { readonly path: InferencePath; readonly given: EdgePool | undefined; readonly send: Send };

export async function inferForm(edge: Authenticated, asked: Asked): Promise<Answer> {
  const source = await sourceOf(edge);
  if ("reason" in source) return source;
  const taken = await takeForm(edge, source, asked.given !== undefined);
  const answer = "reason" in taken ? taken : await sendForm(edge, taken, asked);
  const problem = taken.upload?.problem() ?? null;
  const isRefused = problem !== null || !(answer instanceof Response) || answer.status >= 400;
  if (isRefused) await source.drain();
  return problem ?? answer;
}

/** A body that comes packed is unpacked first, and bounded as any other is. */
async function sourceOf(edge: Authenticated): Promise<FormSource | Refusal> {
  const { headers, body } = edge.request;
  const { uploadBytesMax: bytesMax, bodyTimeoutMs: timeoutMs } = edge.runtime.config.limits;
  const boundary = boundaryOf(headers.get("content-type"));
  if (boundary === null) return NO_FORM;
  const form = createFormScan(boundary);
  const coding = codingOf(headers.get("content-encoding"));
  if (coding === null) {
    if (Number(headers.get("content-length")) > bytesMax) return tooLarge(bytesMax);
    return new FormSource(body ?? EMPTY(), form, { bytesMax, timeoutMs });
  }
  const unpacked = await readBody(edge, edge.runtime.config.limits.bodyBytesMax, "limits.bodyBytesMax");
  if (!unpacked.ok) return unpacked.error;
  return new FormSource(new Response(unpacked.value).body ?? EMPTY(), form, { bytesMax, timeoutMs });
}

const EMPTY = (): ReadableStream<Uint8Array> => new Blob([]).stream();

type Taken = {
  readonly held: Uint8Array;
  readonly parts: readonly FormPart[];
  readonly fields: FormFields;
  /** Null: neither the form nor anything beside it names one. */
  readonly model: string | null;
  readonly upload: FormUpload | null;
};

/** Reads until all of it is here, or enough to send it on. */
async function takeForm(
  edge: Authenticated,
  source: FormSource,
  hasPool: boolean,
): Promise<Taken | (Refusal & { readonly upload?: never })> {
  const { uploadHeadBytesMax: headBytesMax } = edge.runtime.config.limits;
  const { headers } = edge.request;
  const named = headers.get(MODEL) ?? new URLSearchParams(edge.query).get("model");
  const said = headers.get("content-length");
  const length = said === null || headers.has("content-encoding") ? null : Number(said);
  const pieces: Uint8Array[] = [];
  const isLong = (): boolean => (length ?? source.bytes) > headBytesMax;
  for (;;) {
    const { parts, open } = source.form;
    const own = parts.find(({ name }) => name === "model")?.text ?? null;
    if (own !== null && named !== null && own !== named) return otherModel();
    const model = own ?? named;
    if (isLong() && (model !== null || hasPool) && open !== null && open.filename !== null) {
      const held = joined(pieces);
      const { ctx } = edge;
      const streamed = { source, heldBytes: held.byteLength, length, model, headBytesMax };
      const upload = formUpload({ ...streamed, spawn: (work) => ctx.waitUntil(work) });
      return { held, parts: [...parts], fields: fieldsOf(parts), model, upload };
    }
    if (model === null && !hasPool && source.bytes > headBytesMax) return lateModel(headBytesMax);
    const piece = await source.next();
    if (source.problem !== null) return source.problem;
    if (piece === null) return { held: joined(pieces), parts, fields: fieldsOf(parts), model, upload: null };
    pieces.push(piece);
  }
}

async function sendForm(
  edge: Authenticated,
  { held, parts, fields, model, upload }: Taken,
  { path, given, send }: Asked,
): Promise<Answer> {
  const { config, pools } = edge.runtime;
  const json: Readonly<Record<string, unknown>> = model === null ? fields : { ...fields, model };
  // A text says true where JSON has a word of its own.
  const read = readInferenceBody({ ...json, stream: null }, path, given !== undefined);
  if (!read.ok) {
    const { param, problem } = read.error;
    return { reason: "invalid_request", detail: problem, ...(param === null ? {} : { param }) };
  }
  const pool = given ?? pools.get(config.poolIdByModel.get(model ?? "") ?? "");
  if (pool === undefined) {
    const { unknownModel } = await import("./admin/rare.ts");
    return unknownModel(model ?? "", config);
  }
  return send(edge, {
    pool,
    method: "POST",
    path,
    bytes: bufferOf(held),
    json,
    stream: /^(?:true|1)$/i.test(String(fields["stream"] ?? "")),
    isInference: true,
    isClientsPath: false,
    repeatable: true,
    form: {
      write: (sent) => withFields(held, parts, sent),
      unread: parts.some(({ filename }) => filename !== null) ? { reasons: ["media"], bytes: 0 } : ALL_READ,
      textBytes: parts.reduce((sum, { text }) => sum + (text?.length ?? 0) * 4, 0),
      filenames: parts.flatMap(({ filename, type }) => [filename ?? "", type ?? ""]).join("\n"),
      upload,
    },
  });
}
