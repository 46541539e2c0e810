/**
 * The attempts of a request with what their endpoints said of their failures: redacted, by a part of the bundle that only
 * failures load.
 */
import { credentialsOf } from "../../backends/targets.ts";
import { part } from "../dispatch/part.ts";
import type { Tried } from "../dispatch/trail.ts";
import type { AttemptRecord } from "./core/record.ts";
import { attemptRecord } from "./record-of.ts";
import type { Seen } from "./seen.ts";

const wordsPart = part(async () => import("../wire/failure-text.ts"));

export const hasFailed = ({ trail }: Seen): boolean => trail.attempts.some(({ failure }) => failure !== null);

export async function attemptsSaid(seen: Seen): Promise<readonly AttemptRecord[]> {
  const { attempts } = seen.trail;
  if (!hasFailed(seen)) return attempts.map((attempt, index) => attemptRecord(seen, attempt, index));
  const { failureText } = await wordsPart();
  const saidBy = ({ failure, heldLease }: Tried): string | null => {
    if (failure === null || failure.text === "") return null;
    const target = seen.pool?.endpoints.get(heldLease.grant.endpointId)?.target;
    return failureText(failure.text, target === undefined ? [] : credentialsOf(target));
  };
  return attempts.map((attempt, index) => ({ ...attemptRecord(seen, attempt, index), said: saidBy(attempt) }));
}
