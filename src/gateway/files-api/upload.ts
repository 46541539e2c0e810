/**
 * `POST /v1/files`: a form is read as it comes, and its file goes part by part to the tenant's object. What is in memory is
 * one part. SDKs send the file before the fields that say what it is for: so it is stored first, and seen when the form is
 * whole; what is refused, or breaks off, is deleted.
 */
import type { FilesStub } from "../../files/calls.ts";
import {
  BATCH_FILE_BYTES_MAX,
  FIELD_BYTES_MAX,
  FILE_BYTES_MAX,
  FILE_PART_BYTES,
  FILENAME_CHARS_MAX,
  FORM_BYTES_MAX,
  UPLOAD_IDLE_MS_MAX,
} from "../../files/core/bounds.ts";
import { fileIdOf, fileObject, isPurpose, PURPOSES, readExpiresAfter } from "../../files/core/file.ts";
import { boundaryOf, createMultipartReader } from "../../wire/multipart.ts";
import type { MultipartEvent, MultipartProblem, PartHead } from "../../wire/multipart.ts";
import { drain } from "../../wire/body.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import { answerJson } from "../edge-request.ts";
import type { Authenticated } from "../edge-request.ts";
import { refuseFull, wrong } from "./answers.ts";

const NOT_A_FORM: Refusal = {
  reason: "unsupported_media_type",
  detail: "Send a file as multipart/form-data, uncompressed, with the fields file and purpose.",
};

const BROKEN: Readonly<Record<MultipartProblem, string>> = {
  no_delimiter: "The form is not what its boundary says.",
  headers_too_large: "A part of the form has too long headers.",
  no_name: "A part of the form has no name.",
  too_many_parts: "The form has too many parts.",
};

export async function upload(edge: Authenticated, files: FilesStub): Promise<Answer> {
  const { headers, body } = edge.request;
  const boundary = boundaryOf(headers.get("content-type"));
  const coding = headers.get("content-encoding") ?? "identity";
  if (boundary === null || coding !== "identity" || body === null) return NOT_A_FORM;
  if (Number(headers.get("content-length") ?? "0") > FILE_BYTES_MAX + FORM_BYTES_MAX) return refuseFull("bytes");
  const form = new Form(files, fileIdOf(crypto.randomUUID()));
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  try {
    const refusal = await readForm(reader, form, boundary);
    const made = refusal ?? (await form.finish());
    if (!("reason" in made)) return answerJson(edge, made);
    await form.giveUp();
    // A connection that is closed on unread bytes is reset, and the answer is lost with it.
    await drain(reader);
    return made;
  } catch (error) {
    await form.giveUp();
    throw error;
  }
}

/** Null: the form is whole. */
async function readForm(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  form: Form,
  boundary: string,
): Promise<Refusal | null> {
  const multipart = createMultipartReader(boundary);
  for (;;) {
    const read = await orIdle(reader);
    if (read === "late") {
      const detail = `Nothing came of the upload for ${UPLOAD_IDLE_MS_MAX} ms (UPLOAD_IDLE_MS_MAX).`;
      return { reason: "body_timeout", detail };
    }
    if (read === "broken" || read.done) {
      return multipart.isEnded ? null : wrong(null, "The form broke off before its end. Send it whole.");
    }
    for (const event of multipart.push(read.value)) {
      const refusal = await form.take(event);
      if (refusal !== null) return refusal;
    }
  }
}

async function orIdle(reader: ReadableStreamDefaultReader<Uint8Array>) {
  const idle = Promise.withResolvers<"late">();
  const timer = setTimeout(() => idle.resolve("late"), UPLOAD_IDLE_MS_MAX);
  try {
    return await Promise.race([reader.read(), idle.promise]);
  } catch {
    return "broken";
  } finally {
    clearTimeout(timer);
  }
}

/** What has come of the form. */
class Form {
  readonly #files: FilesStub;
  readonly #id: string;
  readonly #fields = new Map<string, string>();
  #head: PartHead | null = null;
  #filename: string | null = null;
  #part = new Uint8Array(FILE_PART_BYTES);
  #filled = 0;
  /** Of fields that are no file. */
  #fieldBytes = 0;
  #text = "";
  #decoder = new TextDecoder();

  constructor(files: FilesStub, id: string) {
    this.#files = files;
    this.#id = id;
  }

  async take(event: MultipartEvent): Promise<Refusal | null> {
    switch (event.kind) {
      case "part":
        return this.#begin(event.head);
      case "data":
        return this.#head?.name === "file" ? this.#store(event.bytes) : this.#read(event.bytes);
      case "part_end":
        if (this.#head?.name !== "file") this.#fields.set(this.#head?.name ?? "", this.#text + this.#decoder.decode());
        return null;
      case "end":
        return this.#flush();
      case "broken":
        return wrong(null, `${BROKEN[event.problem]} Send a form as RFC 7578 has it.`);
    }
  }

  async finish(): Promise<ReturnType<typeof fileObject> | Refusal> {
    if (this.#filename === null) return wrong("file", "file is required: the form has no such part.");
    const purpose = this.#fields.get("purpose") ?? "";
    if (!isPurpose(purpose)) return wrong("purpose", `purpose must be one of ${PURPOSES.join(", ")}.`);
    const seconds = this.#fields.get("expires_after[seconds]");
    const anchor = this.#fields.get("expires_after[anchor]") ?? null;
    const asked = { anchor, seconds: seconds === undefined ? null : Number(seconds === "" ? Number.NaN : seconds) };
    const lifeMs = readExpiresAfter(asked, "expires_after");
    if (typeof lifeMs === "string") return wrong("expires_after", lifeMs);
    const made = await this.#files.call("finish", { id: this.#id, filename: this.#filename, purpose, lifeMs });
    if (made === "unknown") return wrong(null, "The upload took too long, and was given up. Send it again.");
    if (purpose !== "batch" || made.bytes <= BATCH_FILE_BYTES_MAX) return fileObject(made);
    const detail = `The file of a batch may have ${BATCH_FILE_BYTES_MAX} bytes (BATCH_FILE_BYTES_MAX): cut it in several.`;
    return { reason: "body_too_large", detail };
  }

  async giveUp(): Promise<void> {
    if (this.#filename === null) return;
    // What cannot be told now is found to be dead later.
    await this.#files.call("abort", this.#id).catch(() => null);
  }

  async #begin(head: PartHead): Promise<Refusal | null> {
    this.#head = head;
    this.#text = "";
    this.#decoder = new TextDecoder();
    if (head.name !== "file") return null;
    if (this.#filename !== null) return wrong("file", "file is there twice: upload one file at a time.");
    const begun = await this.#files.call("begin", this.#id);
    if (begun !== "ok") return refuseFull(begun);
    this.#filename = (head.filename ?? "file").slice(0, FILENAME_CHARS_MAX);
    return null;
  }

  #read(bytes: Uint8Array): Refusal | null {
    this.#fieldBytes += bytes.byteLength;
    if (this.#fieldBytes > FIELD_BYTES_MAX) {
      return wrong(this.#head?.name ?? null, `The fields of the form have more than ${FIELD_BYTES_MAX} bytes.`);
    }
    this.#text += this.#decoder.decode(bytes, { stream: true });
    return null;
  }

  async #store(bytes: Uint8Array): Promise<Refusal | null> {
    for (let at = 0; at < bytes.byteLength;) {
      const taken = bytes.subarray(at, at + FILE_PART_BYTES - this.#filled);
      this.#part.set(taken, this.#filled);
      this.#filled += taken.byteLength;
      at += taken.byteLength;
      const refusal = this.#filled === FILE_PART_BYTES ? await this.#flush() : null;
      if (refusal !== null) return refusal;
    }
    return null;
  }

  async #flush(): Promise<Refusal | null> {
    if (this.#filled === 0) return null;
    const put = await this.#files.call("put", { id: this.#id, bytes: this.#part.slice(0, this.#filled) });
    this.#filled = 0;
    if (put === "unknown") return wrong(null, "The upload took too long, and was given up. Send it again.");
    return put === "ok" ? null : refuseFull(put);
  }
}
