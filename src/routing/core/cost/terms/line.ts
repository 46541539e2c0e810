/**
 * The part of the `wait` term that prompts make: until the prompts in line are read, and until there is KV memory, ms.
 *
 * Model. A view says how many tokens were in line when it was made (`prompt-line.ts`), and those sent there since. The
 * line goes on while the view grows older and while the request travels:
 *
 *   W = max(0, tokens in line / R − age − net / 2)
 *
 * KV memory is a second resource, which long answers hold until they end. Where the engine tells its size, a request that
 * does not fit waits for its share of an occupancy, as it would for a slot:
 *
 *   wait_kv = max(0, used + prompt + mean answer − size) · S / size
 *
 * Both, and the slots, are waited for at the same time, so the longest of the three counts.
 * Source: docs/reference/sources.md, Routing by work. Rejected: the sum of the waits, which counts one queue twice: better on long
 * prompts (p99 1.25 against 1.32 of the bound), worse in chats (1.86 against 1.72).
 */
import type { EndpointView } from "../../endpoint/endpoint-view.ts";

type LineView = Pick<EndpointView, "workTokens" | "prefillTokensPerMs" | "ageMs">;

/** What is ahead in line when the request is there, ms. */
export function lineMs({ workTokens = 0, prefillTokensPerMs, ageMs = 0 }: LineView, netMs: number): number {
  return workTokens <= 0 ? 0 : Math.max(0, workTokens / prefillTokensPerMs - ageMs - netMs / 2);
}

type MemoryView = Pick<EndpointView, "kvUsed" | "kvMax" | "outputTokens" | "occupancyMs">;

/** Until there is KV memory for a prompt of `inputTokens` and its answer, ms; 0 where the engine does not tell its size. */
export function kvWaitMs(view: MemoryView, inputTokens: number): number {
  const { kvUsed = 0, kvMax = null, outputTokens = 0, occupancyMs } = view;
  if (kvMax === null || kvMax <= 0) return 0;
  return (Math.max(0, kvUsed + inputTokens + outputTokens - kvMax) * occupancyMs) / kvMax;
}
