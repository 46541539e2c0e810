/** The records of requests, read from the router's log. The fleet logs all of them: `config: LOG_ALL`. */
import { expect } from "vitest";
import type { RequestRecord } from "../../src/sight/core/record.ts";
import type { Fleet } from "./fleet.ts";

export const LOG_ALL = { sight: { logServed: 1 } } as const;

/** A line has no member for what is not known. */
export type Logged = Partial<RequestRecord> & Pick<RequestRecord, "id" | "outcome" | "route" | "attempts" | "ms">;

/** Every record that the log has by now. */
export function recordsIn(fleet: Pick<Fleet, "router">): readonly Logged[] {
  const lines = fleet.router.output().split("\n");
  return lines.flatMap((line) => {
    const at = line.indexOf('{"event":"request"');
    return at < 0 ? [] : [JSON.parse(line.slice(at)) as Logged];
  });
}

/** The one record of the request. */
export async function recordOf(fleet: Fleet, requestId: string | null | undefined): Promise<Logged> {
  const of = () => recordsIn(fleet).filter(({ id }) => id === requestId);
  const found = await fleet.until(
    async () => of(),
    (records) => records.length > 0,
  );
  await fleet.until(fleet.liveLeases, (leases) => leases === 0);
  expect(of()).toHaveLength(1);
  const [record] = found;
  if (record === undefined) throw new Error(`no record of ${requestId}`);
  return record;
}

export const idOf = (response: Response): string | null => response.headers.get("x-request-id");
