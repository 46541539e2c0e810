/** The record of each request: exactly one, whatever became of it. Read from the router's log, where every one is written. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RequestRecord } from "../../src/sight/core/record.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

/** Those of one request that the log has by now. */
function recordsOf(fleet: Fleet, requestId: string): readonly RequestRecord[] {
  const lines = fleet.router
    .output()
    .split("\n")
    .filter((line) => line.includes('"event":"request"'));
  const records = lines.map((line) => JSON.parse(line.slice(line.indexOf("{"))) as RequestRecord);
  return records.filter(({ id }) => id === requestId);
}

async function recordOf(fleet: Fleet, requestId: string | null): Promise<RequestRecord> {
  const found = await fleet.until(
    async () => recordsOf(fleet, requestId ?? ""),
    (records) => records.length > 0,
  );
  expect(found).toHaveLength(1);
  const [record] = found;
  if (record === undefined) throw new Error("no record");
  return record;
}

describe("a request leaves one record", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({ endpoints: [{ id: "us-a", region: "us-east" }] });
  });
  afterAll(() => fleet.close());

  test("refused for its key", async () => {
    const response = await fleet.call("/v1/chat/completions", {
      method: "POST",
      headers: { authorization: "Bearer wp_nobody" },
    });
    expect(response.status).toBe(401);
    expect(await recordOf(fleet, response.headers.get("x-request-id"))).toMatchObject({
      route: "/v1/chat/completions",
      outcome: "refused",
      reason: "unauthorized",
      status: 401,
      tenant: null,
      attempts: [],
    });
  });
});
