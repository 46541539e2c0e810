/** What a decision was made of is in the records of few requests, while somebody watches, and nowhere else. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { EXPLAINED_PER_S_MAX } from "../../src/sight/watched.ts";
import { signIn } from "../support/dashboard-client.ts";
import { type Fleet, startFleet } from "../support/fleet.ts";
import { LOG_ALL, recordOf } from "../support/records.ts";
import { type Frame, watch } from "../support/watcher.ts";

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({
    config: LOG_ALL,
    endpoints: [
      { id: "near", region: "us-east" },
      { id: "far", region: "eu-west" },
    ],
  });
});
afterAll(() => fleet.close());

/** Ids of the requests, none of which has asked for its decision. */
async function chats(count: number): Promise<readonly (string | null)[]> {
  const responses = await Promise.all(Array.from({ length: count }, async () => fleet.chat()));
  await Promise.all(responses.map(async (response) => response.text()));
  expect(responses.map(({ headers }) => headers.get("x-warmpath-decision"))).toEqual(responses.map(() => null));
  return responses.map(({ headers }) => headers.get("x-request-id"));
}

const explainedIn = (frames: readonly Frame[]) =>
  frames.flatMap(({ decisions }) => decisions).filter(({ candidates }) => candidates !== undefined);

test("candidates are recorded while somebody watches, and only then", async () => {
  const unwatched = await chats(EXPLAINED_PER_S_MAX + 2);
  const { cookie } = await signIn(fleet);
  const watcher = watch(fleet.router.url, { cookie });
  await watcher.frame(({ decisions }) => decisions.some(({ id }) => unwatched.includes(id)));
  expect(explainedIn(watcher.frames)).toEqual([]);

  await fleet.until(
    async () => {
      await chats(1);
      return explainedIn(watcher.frames).length;
    },
    (count) => count > 0,
  );
  const record = explainedIn(watcher.frames)[0];
  expect(record).toMatchObject({ outcome: "served", endpoint: "near", why: "nearest_warm" });
  const row = {
    region: expect.any(String),
    ms: expect.any(Number),
    terms: Object.fromEntries(["net", "wait", "load", "pre", "cold", "risk"].map((term) => [term, expect.any(Number)])),
    inFlight: expect.any(Number),
    capacity: expect.any(Number),
    warmth: "warm",
    excluded: null,
    reading: expect.any(Object),
  };
  expect(record?.candidates).toEqual([
    { ...row, endpoint: "near", why: "chosen: no warm endpoint is nearer" },
    { ...row, endpoint: "far", why: expect.any(String) },
  ]);
  await recordOf(fleet, record?.id);
  expect(fleet.router.output()).not.toContain("candidates");
  watcher.close();
  await watcher.closed;
});
