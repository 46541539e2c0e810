/** The two files of a batch's answers: they grow by whole parts, and are seen when they are whole. */
import { FILE_PART_BYTES } from "../core/bounds.ts";
import { moved } from "../core/batch.ts";
import type { Batch } from "../core/batch.ts";
import { fileIdOf } from "../core/file.ts";
import type { BatchStore, Kind } from "./batch-store.ts";
import type { FileStore } from "./file-store.ts";

const MEMBERS = { output: "outputFileId", error: "errorFileId" } as const;

/** Answers go into their files while there are `bytesMin` of them or more. */
export async function writeAnswers(
  files: FileStore,
  batches: BatchStore,
  batchId: string,
  bytesMin: number,
): Promise<void> {
  for (const kind of ["output", "error"] as const) {
    while (batches.unwritten(batchId, kind) >= bytesMin) {
      const fileId = fileOf(files, batches, batchId, kind);
      if (fileId === null) return;
      await writeSome(files, batches, { batchId, kind, fileId });
    }
  }
}

/** Null: there is no such batch any more. */
function fileOf(files: FileStore, batches: BatchStore, batchId: string, kind: Kind): string | null {
  const batch = batches.get(batchId);
  if (batch === null) return null;
  const known = batch[MEMBERS[kind]];
  if (known !== null) return known;
  const id = fileIdOf(crypto.randomUUID());
  batches.turn(() => {
    files.begin(id, true);
    batches.save({ ...batch, [MEMBERS[kind]]: id });
  });
  return id;
}

type Where = { readonly batchId: string; readonly kind: Kind; readonly fileId: string };

async function writeSome(files: FileStore, batches: BatchStore, { batchId, kind, fileId }: Where): Promise<void> {
  const { lines, text } = batches.answers(batchId, kind, FILE_PART_BYTES);
  const bytes = new TextEncoder().encode(text);
  const from = files.written(fileId)?.parts ?? 0;
  const pieces = Math.ceil(bytes.byteLength / FILE_PART_BYTES);
  for (let piece = 0; piece < pieces; piece += 1) {
    await files.write(fileId, from + piece, bytes.subarray(piece * FILE_PART_BYTES, (piece + 1) * FILE_PART_BYTES));
  }
  // A crash before this writes the same parts again.
  batches.turn(() => {
    files.grown(fileId, pieces, bytes.byteLength);
    batches.dropLines(batchId, lines);
  });
}

export async function closeFiles(files: FileStore, batches: BatchStore, batchId: string): Promise<void> {
  batches.turn(() => {
    const batch = batches.get(batchId);
    if (batch === null) return;
    for (const kind of ["output", "error"] as const) close(files, batch, kind);
    batches.save(moved(batch, batch.ending, Date.now()));
  });
}

function close(files: FileStore, batch: Batch, kind: Kind): void {
  const id = batch[MEMBERS[kind]];
  if (id === null) return;
  files.finish({ id, filename: `${batch.id}_${kind}.jsonl`, purpose: "batch_output", lifeMs: batch.outputLifeMs });
}
