/** `/v1/batches`: OpenAI's batches over the tenant's jobs. Loaded with the first request for one. */
import { BATCH_ENDPOINTS } from "../../files/batch-line.ts";
import { BATCHES_OPEN_MAX } from "../../files/core/bounds.ts";
import { batchObject } from "../../files/core/batch.ts";
import { readBatchOrder } from "../../files/core/batch-order.ts";
import { listOf, openAiBatchIdOf } from "../../files/core/file.ts";
import { parseJson } from "../../wire/body.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import { answerJson } from "../edge-request.ts";
import type { Authenticated } from "../edge-request.ts";
import { readBody } from "../read-body.ts";
import { readPage, withFiles, wrong, wrongAfter } from "./answers.ts";

/** An order is a few ids and sixteen pairs of metadata, bytes. */
const ORDER_BYTES_MAX = 65_536;
/** OpenAI's bounds of a page of batches. */
const PAGE = { most: 100, usual: 20 };
/** A batch ends when its lines do; nobody knows when that is. */
const LIMITED_RETRY_MS = 10_000;

export async function createBatch(edge: Authenticated): Promise<Answer> {
  const bytes = await readBody(edge, ORDER_BYTES_MAX);
  if (!bytes.ok) return bytes.error;
  const json = parseJson(bytes.value);
  if (json === null) return { reason: "invalid_json" };
  const order = readBatchOrder(json, BATCH_ENDPOINTS, edge.dev);
  if (!order.ok) return wrong(order.error.param, order.error.problem);
  const id = openAiBatchIdOf(crypto.randomUUID());
  const { identity } = edge;
  return withFiles(edge, async (files) => {
    const made = await files.call("createBatch", { ...order.value, id, identity });
    if (made === "limited") {
      const detail = `The tenant has ${BATCHES_OPEN_MAX} batches that have not ended (BATCHES_OPEN_MAX). Wait for one.`;
      return { reason: "rate_limited", detail, retryAfterMs: LIMITED_RETRY_MS };
    }
    if (made === "no_file")
      return wrong("input_file_id", "There is no file of this id. Upload it with POST /v1/files.");
    if (made === "wrong_purpose") {
      return wrong("input_file_id", 'The file has another purpose. Upload it with the purpose "batch".');
    }
    return answerJson(edge, batchObject(made));
  });
}

export async function listBatches(edge: Authenticated): Promise<Answer> {
  const page = readPage(new URLSearchParams(edge.query), PAGE);
  if (!page.ok) return page.error;
  return withFiles(edge, async (files) => {
    const listed = await files.call("batches", page.value);
    if (listed === "unknown") return wrongAfter("batch");
    return answerJson(edge, listOf(listed.items.map(batchObject), listed.hasMore));
  });
}

export async function readBatch(edge: Authenticated, id: string): Promise<Answer> {
  return withFiles(edge, async (files) => {
    const batch = await files.call("batch", id);
    return batch === null ? noSuchBatch(id) : answerJson(edge, batchObject(batch));
  });
}

export async function cancelBatch(edge: Authenticated, id: string): Promise<Answer> {
  return withFiles(edge, async (files) => {
    const outcome = await files.call("cancelBatch", id);
    if (outcome === "unknown") return noSuchBatch(id);
    if (outcome === "ended") return wrong("batch_id", "The batch has ended, or is about to: it cannot be cancelled.");
    return answerJson(edge, batchObject(outcome));
  });
}

const noSuchBatch = (id: string): Refusal => ({
  reason: "not_found",
  param: "batch_id",
  detail: `There is no batch "${id.slice(0, 80)}" here. It may have been forgotten since it ended.`,
});
