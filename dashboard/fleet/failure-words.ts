/** What failed last at an endpoint, in a word or two, also where it said nothing itself. */
import type { EndpointRow } from "../store/endpoint-rows.ts";
import { inWords } from "../store/format.ts";

/** A kind that a newer router sends is shown as it is. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ["probe", "health check"],
  ["failed", "request failed"],
  ["cut", "answer broke off"],
  ["capacity", "no room"],
  ["disputed", "refused what others serve"],
  ["late", "first token too late"],
]);

/** `health check`, `health check 503`. */
export function failureInWords({
  failureKind,
  failureStatus,
}: Pick<EndpointRow, "failureKind" | "failureStatus">): string {
  const kind = failureKind ?? "failed";
  const words = KINDS.get(kind) ?? inWords(kind);
  return failureStatus === null ? words : `${words} ${failureStatus}`;
}
