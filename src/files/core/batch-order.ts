/** Decides what a client may order as a batch. What it says is what OpenAI's API takes. */
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { isObject } from "../../lib/json-object.ts";
import { METADATA, WINDOW_DEV_MS_MIN, WINDOW_MS } from "./bounds.ts";
import type { BatchOrder } from "./batch.ts";
import { readExpiresAfter } from "./file.ts";

type Problem = { readonly param: string | null; readonly problem: string };
type Order = Omit<BatchOrder, "id" | "identity">;

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `endpoints`: the paths whose requests become jobs. `isDev`: windows of seconds, for those who try it. */
export function readBatchOrder(json: unknown, endpoints: readonly string[], isDev: boolean): Result<Order, Problem> {
  if (!isObject(json)) return err({ param: null, problem: "The body must be a JSON object." });
  const { input_file_id: inputFileId, endpoint, completion_window: window } = json;
  if (typeof inputFileId !== "string" || inputFileId === "") {
    return err({ param: "input_file_id", problem: "input_file_id must be the id of a file with the purpose batch." });
  }
  if (typeof endpoint !== "string" || !endpoints.includes(endpoint)) {
    return err({ param: "endpoint", problem: `endpoint must be one of ${endpoints.join(", ")}.` });
  }
  const windowMs = typeof window === "string" ? windowOf(window) : null;
  const min = isDev ? WINDOW_DEV_MS_MIN : WINDOW_MS.min;
  if (typeof window !== "string" || windowMs === null || windowMs < min || windowMs > WINDOW_MS.max) {
    const problem = 'completion_window must be "24h", or another time from "1h" to "6d".';
    return err({ param: "completion_window", problem });
  }
  const metadata = readMetadata(json["metadata"]);
  if (typeof metadata === "string") return err({ param: "metadata", problem: metadata });
  const after = json["output_expires_after"] ?? null;
  const asked = isObject(after) ? after : {};
  const outputLifeMs =
    after === null
      ? null
      : readExpiresAfter(
          {
            anchor: typeof asked["anchor"] === "string" ? asked["anchor"] : "",
            seconds: typeof asked["seconds"] === "number" ? asked["seconds"] : null,
          },
          "output_expires_after",
        );
  if (typeof outputLifeMs === "string") return err({ param: "output_expires_after", problem: outputLifeMs });
  return ok({ inputFileId, endpoint, window, windowMs, metadata, outputLifeMs });
}

/** ms; null: it is no time. */
function windowOf(text: string): number | null {
  const [, count = "", unit = ""] = /^(\d{1,4})([smhd])$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  return unitMs === undefined ? null : Number(count) * unitMs;
}

/** Or what is wrong with it. */
function readMetadata(value: unknown): Readonly<Record<string, string>> | null | string {
  if (value === undefined || value === null) return null;
  const { pairs, nameChars, valueChars } = METADATA;
  const problem = `metadata must be an object of at most ${pairs} texts, names of at most ${nameChars} and values of at most ${valueChars} characters.`;
  if (!isObject(value)) return problem;
  const entries = Object.entries(value);
  const isGood = entries.every(
    ([name, text]) => name.length <= nameChars && typeof text === "string" && text.length <= valueChars,
  );
  return entries.length <= pairs && isGood ? (Object.fromEntries(entries) as Record<string, string>) : problem;
}
