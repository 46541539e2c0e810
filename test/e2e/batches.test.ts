/** OpenAI's batches on a real router, by the unmodified `openai` package, over simulated engines. */
import { randomBytes } from "node:crypto";
import type OpenAI from "openai";
import type { BatchCreateParams } from "openai/resources/batches";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FILE_PART_BYTES } from "../../src/files/core/bounds.ts";
import { onDisk } from "../support/disk.ts";
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

test("what a rail blocks and what an endpoint refuses is in the file of errors, with the answer that a request had got", async () => {
  const client = one.client(one.owner);
  // Beyond what the rail `size` lets pass.
  const long = "x".repeat(1_100_000);
  const batch = await endOf(
    client,
    (
      await batchOf(
        client,
        jsonl([
          lineOf("good"),
          lineOf("blocked", { messages: [{ role: "user", content: long }] }),
          lineOf("refused", { messages: "none" }),
        ]),
      )
    ).id,
  );
  expect(batch).toMatchObject({ status: "completed", request_counts: { total: 3, completed: 1, failed: 2 } });
  expect((await answersIn(client, batch.output_file_id)).map(({ custom_id: name }) => name)).toEqual(["good"]);
  const errors = await answersIn(client, batch.error_file_id);
  expect(errors.map(({ custom_id: name }) => name).toSorted()).toEqual(["blocked", "refused"]);
  for (const { response, error } of errors) {
    expect([response?.status_code, error]).toEqual([400, null]);
    expect(response?.body["error"]).toHaveProperty("message");
  }
});

test.each([
  ["/v1/completions", { model: "alpha", prompt: "Once", max_tokens: 2 }, "text_completion"],
  ["/v1/embeddings", { model: "alpha", input: ["near", "far"] }, "list"],
] as const)("a batch of %s has answers of it", async (url, body, object) => {
  const client = one.client(one.owner);
  const line = { custom_id: "one", method: "POST", url, body };
  const batch = await endOf(client, (await batchOf(client, jsonl([line]), { endpoint: url })).id);
  const [answer] = await answersIn(client, batch.output_file_id ?? batch.error_file_id);
  expect(answer?.response?.body).toMatchObject({ object });
});

test("a file with mistakes fails as a whole, by its lines, and none of it has run", async () => {
  const client = one.client(one.owner);
  const file = jsonl([lineOf("a"), "no json", lineOf("a"), { ...lineOf("b"), url: "/v1/embeddings" }]);
  const batch = await endOf(client, (await batchOf(client, file)).id);
  expect(batch).toMatchObject({ status: "failed", output_file_id: null, request_counts: { total: 0 } });
  expect(batch.errors?.data?.map(({ code, line }) => [code, line])).toEqual([
    ["invalid_json_line", 2],
    ["duplicate_custom_id", 3],
    ["invalid_url", 4],
  ]);
});

test("a batch that is cancelled ends with every line in one of its files, and its input may be deleted then", async () => {
  const client = one.client(one.owner);
  const names = numbered(600, "c");
  const made = await batchOf(client, jsonl(names.map((name) => lineOf(name))));
  await expect(client.files.delete(made.input_file_id)).rejects.toMatchObject({ status: 400 });
  for (let seen = made; seen.request_counts?.completed === 0;) seen = await client.batches.retrieve(made.id);
  const cancelling = await client.batches.cancel(made.id);
  expect(["cancelling", "cancelled"]).toContain(cancelling.status);
  const batch = await endOf(client, made.id);
  expect(batch.status).toBe("cancelled");
  const { total = 0, completed = 0, failed = 0 } = batch.request_counts ?? {};
  expect([total, completed + failed]).toEqual([600, 600]);
  const done = await answersIn(client, batch.output_file_id);
  const rest = await answersIn(client, batch.error_file_id);
  expect([done.length, rest.length]).toEqual([completed, failed]);
  expect([...done, ...rest].map(({ custom_id: name }) => name).toSorted()).toEqual(names.toSorted());
  expect(new Set(rest.map(({ error }) => error?.code))).toEqual(new Set(["batch_cancelled"]));
  expect(await client.files.delete(made.input_file_id)).toMatchObject({ deleted: true });
  await expect(client.batches.cancel(made.id)).resolves.toMatchObject({ status: "cancelled" });
});

test("a batch whose window is over has expired, and what it has not done says so", async () => {
  const client = one.client(one.owner);
  const names = numbered(400, "e");
  const slow = { max_tokens: 4_000 };
  const batch = await endOf(
    client,
    (
      await batchOf(
        client,
        jsonl(names.map((name) => lineOf(name, slow))),
        // Of development mode, and longer than the file takes to be read.
        { completion_window: "3s" as "24h" },
      )
    ).id,
  );
  expect(batch.status).toBe("expired");
  expect(batch.expired_at).toBeGreaterThanOrEqual(batch.expires_at ?? 0);
  const { completed = 0, failed = 0 } = batch.request_counts ?? {};
  expect(completed + failed).toBe(400);
  const rest = await answersIn(client, batch.error_file_id);
  expect(rest).toHaveLength(failed);
  expect(new Set(rest.map(({ error }) => error?.code))).toEqual(new Set(["batch_expired"]));
  // Nothing of it is left in the queue.
  const { json } = await one.ask("GET", "/v2/main/health", one.owner);
  expect(json["jobs"]).toMatchObject({ inQueue: 0 });
});

test("a router that is killed in the middle of a batch loses no line of it and does none twice, in a file of many parts", async () => {
  const client = one.client(one.owner);
  const names = numbered(240, "k");
  // Each answer has some 20 KB.
  const lines = names.map((name) => ({
    custom_id: name,
    method: "POST",
    url: "/v1/embeddings",
    body: { model: "alpha", input: name, dimensions: 1_000, encoding_format: "float" },
  }));
  const made = await batchOf(client, jsonl(lines), { endpoint: "/v1/embeddings" });
  for (const least of [20, 150]) {
    for (let done = 0; done < least;) {
      done = (await one.client(one.owner).batches.retrieve(made.id)).request_counts?.completed ?? 0;
    }
    await one.again();
  }
  const after = one.client(one.owner);
  const batch = await endOf(after, made.id);
  expect(batch).toMatchObject({
    status: "completed",
    error_file_id: null,
    request_counts: { total: 240, completed: 240, failed: 0 },
  });
  const { bytes } = await after.files.retrieve(batch.output_file_id ?? "");
  expect(bytes).toBeGreaterThan(2 * FILE_PART_BYTES);
  const answers = await answersIn(after, batch.output_file_id);
  expect(answers.map(({ custom_id: name }) => name).toSorted()).toEqual(names.toSorted());
});

test("a batch is its tenant's alone, and so is its file", async () => {
  const [client, other] = [one.client(one.owner), one.client(one.stranger)];
  const batch = await endOf(client, (await batchOf(client, jsonl([lineOf("mine")]))).id);
  await expect(other.batches.retrieve(batch.id)).rejects.toMatchObject({ status: 404 });
  await expect(other.batches.cancel(batch.id)).rejects.toMatchObject({ status: 404 });
  await expect(other.files.content(batch.output_file_id ?? "")).rejects.toMatchObject({ status: 404 });
  expect((await other.batches.list()).data).toEqual([]);
  const order = { endpoint: "/v1/chat/completions", completion_window: "24h" } as const;
  await expect(other.batches.create({ ...order, input_file_id: batch.input_file_id })).rejects.toMatchObject({
    status: 400,
    param: "input_file_id",
  });
  // A key that is narrowed to other models knows of no model here.
  const body = { tenant: "acme", scopes: ["infer"], models: ["beta"] };
  const narrow = one.client(String((await one.ask("POST", "/admin/keys", one.operator, body)).json["key"]));
  const refused = await endOf(narrow, (await batchOf(narrow, jsonl([lineOf("x")]))).id);
  expect(refused.errors?.data?.map(({ code }) => code)).toEqual(["model_not_found"]);
});

test("batches are paged through, the last one first", async () => {
  const said = await one.ask("POST", "/admin/keys", one.operator, { tenant: "batch-pages", scopes: ["infer"] });
  const client = one.client(String(said.json["key"]));
  const made: string[] = [];
  for (const name of ["a", "b", "c"]) made.push((await batchOf(client, jsonl([lineOf(name)]))).id);
  const ids: string[] = [];
  for await (const { id } of client.batches.list({ limit: 2 })) ids.push(id);
  expect(ids).toEqual(made.toReversed());
  for (const id of made) await endOf(client, id);
});

test("a file of another purpose, or that is not there, is no batch", async () => {
  const client = one.client(one.owner);
  const { id } = await client.files.create({ file: jsonl([lineOf("x")]), purpose: "user_data" });
  for (const input_file_id of [id, "file-none"]) {
    const order = { endpoint: "/v1/chat/completions", completion_window: "24h" } as const;
    const asked = client.batches.create({ ...order, input_file_id });
    await expect(asked).rejects.toMatchObject({ status: 400, param: "input_file_id" });
  }
});

test("lines whose jobs somebody has removed from the queue say so, and the others have their answers", async () => {
  const client = one.client(one.owner);
  const limits = async (globalLimit: number | null) =>
    one.ask("POST", "/admin/jobs/main/limits", one.operator, { globalLimit });
  expect((await limits(1)).status).toBe(200);
  const names = numbered(60, "p");
  const made = await batchOf(client, jsonl(names.map((name) => lineOf(name, { max_tokens: 400 }))));
  const waiting = async (): Promise<number> => {
    const { json } = await one.ask("GET", "/v2/main/health", one.owner);
    return (json["jobs"] as { readonly inQueue: number }).inQueue;
  };
  while ((await waiting()) < 30);
  expect((await one.ask("POST", "/v2/main/purge-queue", one.owner)).status).toBe(200);
  await limits(null);
  const batch = await endOf(client, made.id);
  const done = await answersIn(client, batch.output_file_id);
  const rest = await answersIn(client, batch.error_file_id);
  expect(batch.status).toBe("completed");
  expect([...done, ...rest].map(({ custom_id: name }) => name).toSorted()).toEqual(names.toSorted());
  expect(rest.length).toBeGreaterThan(0);
  expect(new Set(rest.map(({ error }) => error?.code))).toEqual(new Set(["request_deleted"]));
});

test("a queue that is paused holds a batch back, and loses nothing of it", async () => {
  const client = one.client(one.owner);
  await one.ask("POST", "/admin/jobs/main/pause", one.operator);
  const made = await batchOf(client, jsonl(numbered(20, "h").map((name) => lineOf(name))));
  for (let seen = made; seen.status === "validating";) seen = await client.batches.retrieve(made.id);
  await one.ask("POST", "/admin/jobs/main/resume", one.operator);
  expect(await endOf(client, made.id)).toMatchObject({
    status: "completed",
    request_counts: { total: 20, completed: 20, failed: 0 },
  });
});

test("what the lines of a batch used is counted as that of jobs is", async () => {
  await one.again({}, { tenants: { acme: { limits: {} } } });
  const client = one.client(one.owner);
  const rows = async () => {
    const { json } = await one.ask("GET", "/v1/usage", one.owner);
    return json["data"] as readonly { outcome: string; requests: number; outputTokens: number }[];
  };
  await endOf(client, (await batchOf(client, jsonl(numbered(7, "u").map((name) => lineOf(name))))).id);
  // It is reported within a second or so.
  const tokens = async () => (await rows()).reduce((sum, { outputTokens }) => sum + outputTokens, 0);
  while ((await tokens()) < 14);
  const counted = (await rows()).map(({ outcome, requests, outputTokens }) => [outcome, requests, outputTokens]);
  expect(counted.toSorted()).toEqual([
    ["served", 7, 14],
    ["submitted", 7, 0],
  ]);
  await one.again();
});

test("with a key for jobs nothing of a batch is on the disk in the open", async () => {
  const jobs = { encryption: { secret: "JOBS_KEY" } };
  await one.again({ JOBS_KEY: randomBytes(32).toString("base64") }, { jobs });
  const client = one.client(one.owner);
  const words = ["name", "text", "mark"].map((what) => `${what}-${randomBytes(8).toString("hex")}`);
  const [name = "", content = "", mark = ""] = words;
  const lines = jsonl([lineOf(name, { messages: [{ role: "user", content }] }), lineOf(`${name}-2`, { messages: 7 })]);
  const batch = await endOf(client, (await batchOf(client, lines, { metadata: { mark } })).id);
  expect(batch.metadata).toEqual({ mark });
  expect((await answersIn(client, batch.output_file_id))[0]?.custom_id).toBe(name);
  expect((await answersIn(client, batch.error_file_id))[0]?.custom_id).toBe(`${name}-2`);
  expect(onDisk(one.stateDir, words)).toEqual([]);
  await one.again();
});
