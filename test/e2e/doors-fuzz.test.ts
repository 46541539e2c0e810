/**
 * Thousands of hostile request targets against the built bundle: no request reaches another origin, leaves its
 * endpoint's base path, or carries a credential that is not that endpoint's. `npm run test:fuzz` sends 20,000; a
 * failure names the seed, which replays it.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { hostileCalls } from "../support/hostile-targets.ts";
import type { HostileCall } from "../support/hostile-targets.ts";
import { callTarget } from "../support/raw-target.ts";
import { startRecorder } from "../support/recorder.ts";
import type { Recorded, Recorder } from "../support/recorder.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? "20261130");
const TARGETS = Number(process.env["FUZZ_TARGETS"] ?? "2500");
/** Connections at once. */
const CONCURRENCY = 16;

/** Two endpoints that share nothing: each has its base path and its credential. */
const ENDPOINTS = {
  main: { base: "/base/deep", key: "the-credential-of-main" },
  p: { base: "", key: "the-credential-of-p" },
} as const;
type Name = keyof typeof ENDPOINTS;

let evil: Recorder;
let own: Readonly<Record<Name, Recorder>>;
let fleet: Fleet;

beforeAll(async () => {
  evil = await startRecorder();
  own = { main: await startRecorder(), p: await startRecorder() };
  const pool = (id: Name, paths: readonly string[]) => ({
    paths,
    patienceMs: 5_000,
    queueDepthMax: 10_000,
    endpoints: [
      {
        id: `${id}-own`,
        region: "us-east",
        backend: "openai",
        url: own[id].url + ENDPOINTS[id].base,
        auth: { secret: `KEY_${id.toUpperCase()}` },
        concurrencyPerWorker: 256,
      },
    ],
  });
  fleet = await startFleet({
    endpoints: [],
    // May do everything: what is refused is refused for its target.
    keys: [{ id: "all", scopes: ["infer", "operate", "admin", "worker"] }],
    bindings: { KEY_MAIN: ENDPOINTS.main.key, KEY_P: ENDPOINTS.p.key },
    pool: pool("main", ["*"]),
    morePools: { p: pool("p", ["*"]) },
  });
});
afterAll(async () => {
  evil.close();
  for (const recorder of Object.values(own)) recorder.close();
  await fleet.close();
});

/** What is wrong with a request that came to the endpoint; null: nothing. */
function problemOf(name: Name, { method, url, authorization, headers }: Recorded): string | null {
  const { base, key } = ENDPOINTS[name];
  const [path = ""] = url.split("?");
  if (authorization !== `Bearer ${key}`) return "it has another credential";
  if (JSON.stringify(headers).includes("wp_all_")) return "it shows the client's key";
  if (!["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].includes(method))
    return "its method is not allowed";
  if (!path.startsWith(`${base}/`)) return "it is not below the base path";
  if (/[\\#\s]|%2f|%5c|%00|%0[ad]|\/\//i.test(path)) return "its path can be read in two ways";
  // As often as a chain of careless servers may decode it.
  let read = path;
  for (let times = 0; times < 3; times += 1) {
    if (read.split(/[/\\]/).some((segment) => /^\.{1,2}(?:;|$)/.test(segment))) return "it has a dot segment";
    if (!new URL(read, "http://own.example").pathname.startsWith(`${base}/`)) return "a parser takes it elsewhere";
    read = decodedOnce(read);
  }
  return null;
}

function decodedOnce(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Of a share of all: few targets are a small draw, which may lie four standard deviations below. */
const leastOf = (share: number): number => TARGETS * share - 4 * Math.sqrt(TARGETS * share * (1 - share));

test(
  `of ${TARGETS} hostile targets none leaves its endpoint (FUZZ_SEED=${SEED})`,
  { timeout: 60_000 + TARGETS * 40 },
  async () => {
    const calls = hostileCalls(SEED, TARGETS, evil.host, Object.keys(ENDPOINTS));
    const authorization = `Bearer ${fleet.keyOf("all")}`;
    const statuses = new Map<number, number>();
    const failed: (HostileCall & { readonly status: number })[] = [];
    const waiting = calls.values();
    const worker = async (): Promise<void> => {
      for (const call of waiting) {
        const { status } = await callTarget(fleet.router.port, {
          ...call,
          headers: { authorization, ...call.headers },
        });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        // 501: the runtime knows no such method. Nothing here breaks a handler or an endpoint.
        if (status === 0 || (status >= 500 && status !== 501)) failed.push({ ...call, status });
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
    // Jobs go on behind their 202.
    await fleet.until(fleet.liveLeases, (leases) => leases === 0, 60_000);
    const problems = (Object.keys(ENDPOINTS) as Name[]).flatMap((name) =>
      own[name].seen.flatMap((one) => {
        const problem = problemOf(name, one);
        return problem === null ? [] : [`${name}: ${one.method} ${one.url}: ${problem}`];
      }),
    );
    expect(problems).toEqual([]);
    expect([evil.connections(), evil.seen]).toEqual([0, []]);
    expect(failed).toEqual([]);
    // It is a test only if much was refused and much went through.
    const answers = [...statuses].toSorted(([left], [right]) => left - right);
    const times = (status: number): number => statuses.get(status) ?? 0;
    const isMuch = [times(400) > leastOf(0.2), times(200) > leastOf(0.05)];
    expect(isMuch, JSON.stringify(answers)).toEqual([true, true]);
    expect(own.main.seen.length + own.p.seen.length).toBeGreaterThan(leastOf(0.02));
  },
);
