/** OpenAI's batches on a real router, by the unmodified `openai` package, over simulated engines. */
import type OpenAI from "openai";
import type { BatchCreateParams } from "openai/resources/batches";
import { afterAll, beforeAll, expect, test } from "vitest";
import { answersIn, endOf, jsonl, lineOf, startFilesRouter } from "../support/files-router.ts";
import type { FilesRouter } from "../support/files-router.ts";

let one: FilesRouter;
beforeAll(async () => {
  one = await startFilesRouter();
});
afterAll(async () => one.close());

async function batchOf(client: OpenAI, file: File, order: Partial<BatchCreateParams> = {}): Promise<OpenAI.Batch> {
  const { id } = await client.files.create({ file, purpose: "batch" });
  return client.batches.create({
    input_file_id: id,
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
    ...order,
  });
}

const numbered = (count: number, prefix = "r"): readonly string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}-${at}`);

test("a batch is made, waited for and read with the openai package, and each line has its answer", async () => {
  const client = one.client(one.owner);
  const names = numbered(300);
  const made = await batchOf(client, jsonl(names.map((name) => lineOf(name))), {
    metadata: { run: "7" },
    output_expires_after: { anchor: "created_at", seconds: 3_600 },
  });
  expect(made).toMatchObject({
    object: "batch",
    endpoint: "/v1/chat/completions",
    status: "validating",
    completion_window: "24h",
    metadata: { run: "7" },
    errors: null,
    output_file_id: null,
    request_counts: { total: 0, completed: 0, failed: 0 },
  });
  expect((made.expires_at ?? 0) - made.created_at).toBe(86_400);
  const batch = await endOf(client, made.id);
  expect(batch).toMatchObject({
    status: "completed",
    model: "alpha",
    errors: null,
    error_file_id: null,
    request_counts: { total: 300, completed: 300, failed: 0 },
  });
  const { created_at, in_progress_at = 0, finalizing_at = 0, completed_at = 0 } = batch;
  expect(created_at <= in_progress_at && in_progress_at <= finalizing_at && finalizing_at <= completed_at).toBe(true);
  const answers = await answersIn(client, batch.output_file_id);
  expect(answers.map(({ custom_id: name }) => name).toSorted()).toEqual(names.toSorted());
  expect(new Set(answers.map(({ id }) => id)).size).toBe(300);
  for (const { response, error, id } of answers) {
    expect([response?.status_code, error, id.startsWith("batch_req_")]).toEqual([200, null, true]);
    expect(response?.body).toMatchObject({ object: "chat.completion", model: "alpha" });
  }
  expect(batch.usage?.output_tokens).toBe(600);
  expect(batch.usage?.total_tokens).toBe((batch.usage?.input_tokens ?? 0) + 600);
  const file = await client.files.retrieve(batch.output_file_id ?? "");
  expect(file).toMatchObject({ purpose: "batch_output", filename: `${batch.id}_output.jsonl` });
  expect((file.expires_at ?? 0) - file.created_at).toBe(3_600);
});
