/**
 * A batch over a queue that loses calls and replies: whatever is cut off, and wherever, the next driver on the same rows
 * goes on, and each line has one answer and one job.
 */
import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { createBatch, hasEnded } from "../../src/files/core/batch.ts";
import { BatchDriver } from "../../src/files/object/batch-driver.ts";
import type { LinePorts } from "../../src/files/object/batch-driver.ts";
import { BatchStore } from "../../src/files/object/batch-store.ts";
import { FileStore } from "../../src/files/object/file-store.ts";
import type { TenantFiles } from "../../src/gateway/files-api/tenant-files.ts";
import type { JobView } from "../../src/jobs/core/messages.ts";
import { PLAIN } from "../../src/jobs/object/sealer.ts";

const { TENANT_FILES } = env as unknown as { readonly TENANT_FILES: DurableObjectNamespace<TenantFiles> };
afterEach(async () => reset());

const LINES = 40;
/** Answers fill several parts of a file. */
const BODY = JSON.stringify({ text: "x".repeat(60_000) });

/** Where a call is cut: not at all, before it is done, or before its reply is there. */
const CUTS = ["none", "none", "before", "after"] as const;
type Cut = (typeof CUTS)[number];

/** A queue that survives, behind a line that does not. */
function queueOf(cuts: readonly Cut[]) {
  const jobs = new Map<string, { isDone: boolean }>();
  const made: string[] = [];
  let calls = 0;
  const cut = async <Value>(work: () => Value): Promise<Value> => {
    const here = cuts[calls % cuts.length];
    calls += 1;
    // A call takes a trip: whoever made it waits for it by then.
    await scheduler.wait(0);
    if (here === "before") throw new Error("cut off");
    const value = work();
    await scheduler.wait(0);
    if (here === "after") throw new Error("cut off");
    return value;
  };
  const ports: LinePorts = {
    isDraining: () => false,
    poolOf: async () => "main",
    hand: async (_, jobId) =>
      cut(() => {
        if (jobId.endsWith("_7")) return { kind: "answered", answer: { status: 400, body: "{}", usage: null } };
        if (!jobs.has(jobId)) {
          jobs.set(jobId, { isDone: false });
          made.push(jobId);
        }
        return { kind: "job", poolId: "main" };
      }),
    answerOf: async () => ({ status: 200, body: BODY, usage: null }),
    collect: async (_, { ids, done }) =>
      cut(() => {
        for (const id of done) jobs.delete(id);
        const ended = ids.filter((id) => jobs.has(id)).map((id) => ({ id, status: "completed" }) as JobView);
        return { ended, gone: ids.filter((id) => !jobs.has(id)) };
      }),
  };
  return { ports, made };
}

const lines = Array.from({ length: LINES }, (_, at) =>
  JSON.stringify({ custom_id: `r${at + 1}`, method: "POST", url: "/v1/embeddings", body: { model: "m", input: "x" } }),
);

async function runToEnd(storage: DurableObjectStorage, cuts: readonly Cut[]) {
  const parts = { storage, bucket: null, prefix: "acme", sealer: PLAIN };
  const { ports, made } = queueOf(cuts);
  const [inputFileId, id] = [`file-${crypto.randomUUID()}`, `batch_${crypto.randomUUID()}`];
  let files = new FileStore(parts);
  let batches = new BatchStore(storage, PLAIN);
  files.begin(inputFileId);
  await files.put(inputFileId, new TextEncoder().encode(lines.join("\n")));
  files.finish({ id: inputFileId, filename: "f", purpose: "batch", lifeMs: null });
  const order = { id, endpoint: "/v1/embeddings", inputFileId, window: "24h", windowMs: 86_400_000 };
  batches.add(createBatch({ ...order, metadata: null, outputLifeMs: null, identity: {} }, Date.now()));
  const counts: number[] = [];
  for (;;) {
    const batch = batches.get(id);
    counts.push((batch?.counts.completed ?? 0) + (batch?.counts.failed ?? 0));
    if (batch === null || hasEnded(batch)) break;
    // Each turn knows what is in the rows, and nothing else.
    files = new FileStore(parts);
    batches = new BatchStore(storage, PLAIN);
    await new BatchDriver(files, batches, ports).run(id, Date.now() + 60_000).catch(() => undefined);
  }
  const batch = batches.get(id);
  const answers = async (fileId: string | null | undefined) => {
    const file = fileId === null || fileId === undefined ? null : files.file(fileId);
    let text = "";
    for (let part = 0; part < (file?.parts ?? 0); part += 1) {
      text += new TextDecoder().decode((await files.read(file?.id ?? "", part)) ?? undefined);
    }
    const told = text.split("\n").filter((line) => line !== "");
    return told.map((line) => (JSON.parse(line) as { readonly custom_id: string }).custom_id);
  };
  return { batch, counts, made, output: await answers(batch?.outputFileId), errors: await answers(batch?.errorFileId) };
}

test("each line has one answer and one job, wherever calls and replies are lost", async () => {
  const all = lines.map((_, at) => `r${at + 1}`).filter((name) => name !== "r7");
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...CUTS), { minLength: 3, maxLength: 60 }), async (cuts) => {
      // Something must get through.
      const told = await runInDurableObject(TENANT_FILES.getByName("files:acme"), async (_, { storage }) =>
        runToEnd(storage, [...cuts, "none", "none", ...Array.from({ length: LINES }, () => "none" as const)]),
      );
      expect(told.batch).toMatchObject({ status: "completed", counts: { total: 40, completed: 39, failed: 1 } });
      expect(told.output.toSorted()).toEqual(all.toSorted());
      expect(told.errors).toEqual(["r7"]);
      expect(new Set(told.made).size).toBe(told.made.length);
      expect(told.counts).toEqual(told.counts.toSorted((one, other) => one - other));
    }),
    { numRuns: 15 },
  );
});
