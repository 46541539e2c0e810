/** What the files and batches surfaces say in common. */
import type { FilesFull, FilesStub } from "../../files/calls.ts";
import { filesOf } from "../../files/calls.ts";
import { FILE_BYTES_MAX, FILES_MAX, TENANT_BYTES_MAX } from "../../files/core/bounds.ts";
import type { Page } from "../../files/core/file.ts";
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import type { Authenticated } from "../edge-request.ts";
import { answerStored, refuseStorageFull } from "../jobs-api/answers.ts";

/** Answers with the tenant's own object, and with no other. */
export async function withFiles(edge: Authenticated, handle: (files: FilesStub) => Promise<Answer>): Promise<Answer> {
  const files = filesOf(edge.env, edge.identity.tenant);
  // The deployment has none: then nobody can have a file.
  if (files === null) return { reason: "misconfigured" };
  return answerStored(edge, async () => handle(files));
}

export const wrong = (param: string | null, detail: string): Refusal => ({
  reason: "invalid_request",
  detail,
  ...(param === null ? {} : { param }),
});

export const noSuchFile = (id: string): Refusal => ({
  reason: "not_found",
  param: "file_id",
  detail: `There is no file "${id.slice(0, 80)}" here. It may have been deleted, or have expired.`,
});

export function refuseFull(full: FilesFull): Refusal {
  if (full === "storage") return refuseStorageFull();
  const what =
    full === "files"
      ? `A tenant may have ${FILES_MAX} files (FILES_MAX).`
      : `A file may have ${FILE_BYTES_MAX} bytes (FILE_BYTES_MAX), and a tenant's files ${TENANT_BYTES_MAX} in all (TENANT_BYTES_MAX).`;
  return { reason: "body_too_large", detail: `${what} Delete some with DELETE /v1/files/{file_id}.` };
}

/** `after`, `limit`, `order`. */
export function readPage(query: URLSearchParams, limits: { most: number; usual: number }): Result<Page, Refusal> {
  const limitText = query.get("limit") ?? String(limits.usual);
  const limit = Number(limitText);
  if (!/^\d{1,6}$/.test(limitText) || limit < 1 || limit > limits.most) {
    return err(wrong("limit", `limit must be a whole number from 1 to ${limits.most}.`));
  }
  const order = query.get("order") ?? "desc";
  if (order !== "asc" && order !== "desc") return err(wrong("order", 'order must be "asc" or "desc".'));
  return ok({ after: query.get("after"), limit, isAscending: order === "asc" });
}

export const wrongAfter = (what: string): Refusal => wrong("after", `after must be the id of a ${what} of the list.`);
