/**
 * Tells of a request that has ended, once. What the endpoints said of their failures is redacted before anybody reads it:
 * by a part of its own, that only failures load.
 */
import { credentialsOf } from "../../backends/targets.ts";
import { part } from "../dispatch/part.ts";
import type { Tried } from "../dispatch/trail.ts";
import type { RequestRecord } from "./core/record.ts";
import { recordEnded } from "./ended.ts";
import { recordOf } from "./record-of.ts";
import type { Seen, SeenEnd } from "./seen.ts";

const wordsPart = part(async () => import("../wire/failure-text.ts"));

export function tell(seen: Seen, end: SeenEnd): void {
  const { host } = end;
  const record = recordOf(seen, end);
  if (record === null) return;
  const { attempts } = seen.trail;
  if (attempts.every(({ failure }) => failure === null)) recordEnded(host, record);
  else host.ctx.waitUntil(withWords(seen, record).then((whole) => recordEnded(host, whole)));
}

async function withWords(seen: Seen, record: RequestRecord): Promise<RequestRecord> {
  const { failureText } = await wordsPart();
  const saidIn = ({ failure, heldLease }: Tried): string | null => {
    if (failure === null || failure.text === "") return null;
    const target = seen.pool?.endpoints.get(heldLease.grant.endpointId)?.target;
    return failureText(failure.text, target === undefined ? [] : credentialsOf(target));
  };
  const { attempts } = seen.trail;
  return {
    ...record,
    attempts: record.attempts.map((attempt, index) => {
      const own = attempts[index];
      return own === undefined ? attempt : { ...attempt, said: saidIn(own) };
    }),
  };
}
