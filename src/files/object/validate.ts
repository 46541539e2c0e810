/** Reads all lines of a batch once, before any becomes a job: one mistake in them ends the batch, and costs nothing. */
import type { InferencePath } from "../../wire/openai.ts";
import { readLine } from "../batch-line.ts";
import { ERRORS_TOLD_MAX, LINES_MAX } from "../core/bounds.ts";
import type { Batch, BatchError } from "../core/batch.ts";
import type { LineReader } from "../line-reader.ts";

export type Found = {
  readonly lines: number;
  readonly model: string | null;
  readonly poolId: string | null;
  /** At most `ERRORS_TOLD_MAX`. */
  readonly errors: readonly BatchError[];
};

/** `poolOf`: that serves a model. */
export async function validate(
  { endpoint }: Pick<Batch, "endpoint">,
  reader: LineReader,
  poolOf: (model: string) => Promise<string | null>,
): Promise<Found> {
  const errors: BatchError[] = [];
  const customIds = new Set<string>();
  let [offset, line, lines] = [0, 0, 0];
  let model: string | null = null;
  let poolId: string | null = null;
  const whole = (code: string, message: string): void => void errors.push({ code, line: null, message, param: null });
  while (errors.length < ERRORS_TOLD_MAX) {
    const found = await reader.lineAt(offset);
    if (found === "gone") whole("file_not_found", "The input file is not there any more.");
    if (found === null || found === "gone") break;
    offset = found.next;
    line += 1;
    const request = readLine(found.bytes, endpoint as InferencePath);
    if (request === null) continue;
    lines += 1;
    if (lines > LINES_MAX) {
      whole("too_many_requests", `The file has more than ${LINES_MAX} requests (LINES_MAX): cut it in several.`);
      break;
    }
    if (!request.ok) {
      errors.push({ ...request.error, line });
      continue;
    }
    const { customId, model: asked } = request.value;
    if (model === null) {
      model = asked;
      poolId = await poolOf(asked);
      if (poolId === null) errors.push({ ...UNKNOWN_MODEL, line });
    } else if (asked !== model) errors.push({ ...otherModel(model), line });
    if (customIds.has(customId)) errors.push({ ...DUPLICATE, line });
    customIds.add(customId);
  }
  if (lines === 0 && errors.length === 0) whole("empty_file", "The file has no requests.");
  return { lines, model, poolId, errors };
}

type Problem = Omit<BatchError, "line">;

const DUPLICATE: Problem = {
  code: "duplicate_custom_id",
  message: "This custom_id is that of another request of the file. Each must have one of its own.",
  param: "custom_id",
};

const UNKNOWN_MODEL: Problem = {
  code: "model_not_found",
  message: "No pool serves this model. GET /v1/models lists the models there are.",
  param: "body.model",
};

const otherModel = (model: string): Problem => ({
  code: "mismatched_model",
  message: `All requests of a batch must have one model, and the first has "${model}". Make a batch for each model.`,
  param: "body.model",
});
