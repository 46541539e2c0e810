/**
 * Sends a form on while it comes: what is held, and behind it what its source lets through.
 *
 * Model. One attempt at a time has the stream; a later one takes it from the one before, which is over. The length goes along
 * where the client has told it, because some servers take no body without one. What must not be sent ends the request:
 * `stopped` aborts the attempt before its body is whole, so that no endpoint takes half a form for one, and `problem` is
 * what the client hears.
 */
import type { Upload } from "../dispatch/upload.ts";
import type { FormPart } from "../wire/form-scan.ts";
import type { Refusal } from "../wire/refusal.ts";
import { lateField, otherModel } from "./form-problems.ts";
import type { FormSource } from "./form-source.ts";

export type FormUpload = Upload & {
  readonly stopped: AbortSignal;
  readonly problem: () => Refusal | null;
};

export type Streamed = {
  readonly source: FormSource;
  readonly heldBytes: number;
  /** Of the whole form, as its client says; null: it does not. */
  readonly length: number | null;
  /** Its model's name, which may come again behind the files; null: its path has named the pool, and nobody a model. */
  readonly model: string | null;
  readonly headBytesMax: number;
  readonly spawn: (work: Promise<unknown>) => void;
};

export function formUpload({ source, heldBytes, length, model, headBytesMax, spawn }: Streamed): FormUpload {
  const stop = new AbortController();
  const known = source.form.parts.length;
  let isSpent = false;
  let problem: Refusal | null = null;
  let last: AbortController | null = null;
  const next = async (): Promise<Uint8Array | null> => {
    isSpent = true;
    const piece = await source.nextWhole();
    problem = source.problem ?? lateProblem(source.form.parts.slice(known), model, headBytesMax);
    return problem === null ? piece : null;
  };
  const pump = async (to: WritableStream<Uint8Array>, head: Uint8Array, over: AbortSignal): Promise<void> => {
    const writer = to.getWriter();
    try {
      await writer.write(head);
      if (over.aborted) return;
      for (let piece = await next(); piece !== null; piece = await next()) {
        await writer.write(piece);
        source.reuse(piece);
      }
      if (problem === null) await writer.close();
    } catch {
      // The endpoint reads no more: what it answers, or that it is gone, the attempt says.
    }
    if (problem === null) return;
    stop.abort();
    await writer.abort(new Error("the form ends here")).catch(() => undefined);
  };
  return {
    stopped: stop.signal,
    problem: () => problem,
    isSpent: () => isSpent,
    waitsForClient: () => source.waitsForClient,
    body(head) {
      last?.abort();
      last = new AbortController();
      const total = length === null ? null : length - heldBytes + head.byteLength;
      const { readable, writable } = total === null ? new IdentityTransformStream() : new FixedLengthStream(total);
      spawn(pump(writable, head, last.signal));
      return readable;
    },
  };
}

/** Behind the first file come files alone, and the model once more: rails and limits have read all other texts. */
function lateProblem(parts: readonly FormPart[], model: string | null, headBytesMax: number): Refusal | null {
  for (const { name, filename, text } of parts) {
    if (filename !== null) continue;
    if (name !== "model" || model === null) return lateField(name, headBytesMax);
    if (text !== null && text !== model) return otherModel();
  }
  return null;
}
