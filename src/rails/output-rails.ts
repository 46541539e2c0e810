/**
 * Decides whether anything looks at an answer before the client gets it: output rails of its pool, or personal
 * data that is to be put back.
 *
 * Model. Rails look at every answer of their pool, whatever its path and its status. The four protocols whose texts they
 * know are told apart by the path at the endpoint; everything else (embeddings, errors, a server's own API) is read
 * without knowing what it means. An answer that nobody looks at takes the native path. The rails themselves are loaded
 * with the first answer that needs them.
 * Rejected: to guess the protocol from the answer, which has to be read for that, streams included.
 */
import type { RailedFormat } from "./core/stream/stream-events.ts";
import { answerFormat, protocolOf } from "../dispatch/answer-format.ts";
import { part } from "../dispatch/part.ts";
import type { Checked } from "./check.ts";
import type { Answer } from "../wire/refusal.ts";
import type { Railing } from "./railing.ts";
import type { EdgePool } from "../dispatch/runtime.ts";

/** The output rails. */
const outputPart = part(async () => import("./output.ts"));

/** Null when nothing looks at this answer. */
export function railedFormat(
  pool: EdgePool,
  path: string,
  { originals }: Checked,
  status: number,
): RailedFormat | null {
  const hasRails = pool.config.rails.output.length > 0;
  if (!hasRails && originals.size === 0) return null;
  const known = status >= 200 && status < 300 ? answerFormat(path) : null;
  if (known !== null || !hasRails) return known;
  return protocolOf("POST", path) === "transcript" ? "transcript" : "any";
}

/** The client's response; the attempt ends by itself. */
export async function answerRailed(railing: Railing): Promise<Answer> {
  return (await outputPart()).railAnswer(railing);
}
