/** What a decision was made of is in the records of few requests, while somebody watches, and nowhere else. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { EXPLAINED_PER_S_MAX } from "../../src/sight/watched.ts";
import { signIn } from "../support/dashboard-client.ts";
import { type Fleet, startFleet } from "../support/fleet.ts";
import { readMetrics } from "../support/metrics-text.ts";
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

  // From the first one on: the isolate that let the watcher in does not wait for a word of the feed.
  const [first] = await chats(1);
  await watcher.frame(({ decisions }) => decisions.some(({ id }) => id === first));
  const record = explainedIn(watcher.frames)[0];
  expect(record?.id).toBe(first);
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

test("when the last watcher has left they are recorded no longer, and nobody who comes later is told of them", async () => {
  const { cookie } = await signIn(fleet);
  const leaving = watch(fleet.router.url, { cookie });
  await leaving.frame(() => true);
  const [watchedId] = await chats(1);
  await leaving.frame(({ decisions }) => decisions.some(({ id }) => id === watchedId));
  leaving.close();
  await leaving.closed;
  // The feed's answer to a report tells the isolate: each of these waits until its report has arrived.
  const after: (string | null)[] = [];
  for (let count = 0; count < REPORTS; count++) after.push(...(await reported()));
  const late = watch(fleet.router.url, { cookie });
  const { decisions } = await late.frame((frame) => frame.decisions.some(({ id }) => id === after.at(-1)));
  const told = after.map((id) => decisions.find((one) => one.id === id)?.candidates !== undefined);
  // The one whose report brings the word may have been asked for them; none behind it is.
  expect(told.slice(1)).toEqual(after.slice(1).map(() => false));
  late.close();
  await late.closed;
});

const REPORTS = 4;

/** One request, when the feed has counted it. */
async function reported(): Promise<readonly (string | null)[]> {
  const counted = async (): Promise<number> => {
    const { sums } = readMetrics(await (await fleet.call("/metrics")).text());
    return sums("warmpath_requests_total", ["outcome"])["served"] ?? 0;
  };
  const before = await counted();
  const ids = await chats(1);
  await fleet.until(counted, (count) => count > before);
  return ids;
}
