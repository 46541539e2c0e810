/** `/v1/files`: OpenAI's files, which belong to the tenant of the key. Loaded with the first request for one. */
import type { FilesStub } from "../../files/calls.ts";
import { FILES_MAX } from "../../files/core/bounds.ts";
import { fileObject, listOf } from "../../files/core/file.ts";
import type { FileRecord } from "../../files/core/file.ts";
import type { HeaderRecord } from "../../wire/headers.ts";
import { dress } from "../../wire/replies.ts";
import type { Answer } from "../../wire/refusal.ts";
import { answerJson } from "../edge-request.ts";
import type { Authenticated } from "../edge-request.ts";
import { noSuchFile, readPage, withFiles, wrong, wrongAfter } from "./answers.ts";
import { upload } from "./upload.ts";

export const createFile = async (edge: Authenticated): Promise<Answer> =>
  withFiles(edge, async (files) => upload(edge, files));

export async function listFiles(edge: Authenticated): Promise<Answer> {
  const query = new URLSearchParams(edge.query);
  const page = readPage(query, { most: FILES_MAX, usual: FILES_MAX });
  if (!page.ok) return page.error;
  return withFiles(edge, async (files) => {
    const listed = await files.call("files", { ...page.value, purpose: query.get("purpose") });
    if (listed === "unknown") return wrongAfter("file");
    return answerJson(edge, listOf(listed.items.map(fileObject), listed.hasMore));
  });
}

export async function readFile(edge: Authenticated, id: string): Promise<Answer> {
  return withFiles(edge, async (files) => {
    const file = await files.call("file", id);
    return file === null ? noSuchFile(id) : answerJson(edge, fileObject(file));
  });
}

export async function deleteFile(edge: Authenticated, id: string): Promise<Answer> {
  return withFiles(edge, async (files) => {
    const outcome = await files.call("remove", id);
    if (outcome === "unknown") return noSuchFile(id);
    if (outcome === "used")
      return wrong("file_id", "A batch that has not ended uses this file. Cancel the batch first.");
    return answerJson(edge, { id, object: "file", deleted: true });
  });
}

/** As it was sent, part by part: a client that reads slowly holds one of them. */
export async function fileContent(edge: Authenticated, id: string): Promise<Answer> {
  return withFiles(edge, async (files) => {
    const file = await files.call("file", id);
    if (file === null) return noSuchFile(id);
    const headers: HeaderRecord = {
      "content-type": "application/octet-stream",
      // A browser must not show it as a page of ours.
      "content-disposition": "attachment",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
    };
    dress(headers, edge.requestId, edge.runtime.config);
    if (edge.seen.method === "HEAD") return new Response(null, { headers });
    const { readable, writable } = new FixedLengthStream(file.bytes);
    edge.ctx.waitUntil(send(files, file, writable));
    return new Response(readable, { headers });
  });
}

/** A file that goes meanwhile, and a client that leaves, break it off: fewer bytes than were announced are no end. */
async function send(files: FilesStub, { id, parts }: FileRecord, writable: WritableStream<Uint8Array>): Promise<void> {
  const writer = writable.getWriter();
  try {
    for (let part = 0; part < parts; part += 1) {
      const bytes = await files.call("part", { id, part });
      if (bytes === null) throw new Error("the file was deleted while it was read");
      await writer.write(bytes);
    }
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch(() => undefined);
  }
}
