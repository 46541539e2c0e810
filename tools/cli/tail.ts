/**
 * `npm run tail`: one line for each request that ends, as the router tells its dashboard: what became of it, where it went, and
 * why the attempts before that failed. Records alone go to stdout; what a person reads beside them goes to stderr.
 *
 * Model. The snapshot of the dashboard is asked for once a second, with a key that has the scope admin; while somebody asks,
 * isolates report every request as far as there is room. What was shown is not shown again. Rejected: the dashboard's socket,
 * which a client of Node cannot give a key.
 */
import { parseArgs } from "node:util";
import type { RequestRecord } from "../../src/sight/core/record.ts";

const ASK_EVERY_MS = 1_000;
/** Ids that are remembered as shown: a few snapshots' worth. */
const SHOWN_MAX = 2_000;

const USAGE = `usage: npm run tail -- [--url http://127.0.0.1:8787] [--outcome upstream_failed] [--endpoint us-a] [--tenant acme] [--json]
  --url <url>          the router (default http://127.0.0.1:8787)
  --outcome <word>     only requests that ended so; may be given several times
  --endpoint <id>      only requests with an attempt there; may be given several times
  --tenant <tenant>    only this tenant's; may be given several times
  --json               the whole record, one line of JSON each
  --help               this text
The key, which needs the scope admin, is read from the environment variable WARMPATH_KEY.
`;

type Filters = {
  readonly outcome: readonly string[];
  readonly endpoint: readonly string[];
  readonly tenant: readonly string[];
};

/** Every filter that is given must hold. */
export function isWanted({ outcome, attempts, tenant }: RequestRecord, wanted: Filters): boolean {
  const holds = (values: readonly string[], found: readonly (string | null)[]): boolean =>
    values.length === 0 || found.some((one) => one !== null && values.includes(one));
  const endpoints = attempts.map(({ endpoint }) => endpoint);
  return holds(wanted.outcome, [outcome]) && holds(wanted.endpoint, endpoints) && holds(wanted.tenant, [tenant]);
}

/** For people: the time, what became of it, where, how long, and each lost attempt with what was said. */
export function lineOf({
  atMs,
  outcome,
  reason,
  status,
  route,
  tenant,
  endpoint,
  why,
  ms,
  attempts,
}: RequestRecord): string {
  const time = new Date(atMs).toISOString().slice(11, 23);
  const ended = reason === null ? outcome : `${outcome} (${reason})`;
  const where = endpoint === null ? "no endpoint" : `${endpoint} ${why ?? ""}`.trimEnd();
  const first = ms.ttft === null ? "" : `, first token ${ms.ttft} ms`;
  const lost = attempts.flatMap((one) =>
    one.lost === null ? [] : [`  ${one.endpoint} ${one.lost}${one.said === null ? "" : `: ${one.said}`}`],
  );
  return [`${time} ${status} ${ended} ${route} ${tenant ?? "-"} ${where} ${ms.total} ms${first}`, ...lost].join("\n");
}

async function run(args: readonly string[]): Promise<number> {
  const several = { type: "string", multiple: true, default: [] as string[] } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      url: { type: "string", default: "http://127.0.0.1:8787" },
      outcome: several,
      endpoint: several,
      tenant: several,
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const key = process.env["WARMPATH_KEY"] ?? "";
  if (key === "") {
    process.stderr.write(`the environment variable WARMPATH_KEY is not set: it is the key that is sent\n${USAGE}`);
    return 1;
  }
  // Whoever reads has gone, as `head` does.
  process.stdout.on("error", () => process.exit(0));
  const asking: Asking = { url: values.url, key };
  const shown = new Set<string>();
  let hasAnswered = false;
  for (;;) {
    const asked = await ask(asking);
    // One that never answered is the wrong address, one that is away comes back.
    if (!asked.ok && (!hasAnswered || asked.isFinal)) {
      process.stderr.write(`${asked.problem}\n`);
      return 1;
    }
    if (!asked.ok && !asking.isAway) process.stderr.write(`${asked.problem}: asking on\n`);
    if (asked.ok && asking.isAway) process.stderr.write(`${values.url} answers again\n`);
    asking.isAway = !asked.ok;
    hasAnswered ||= asked.ok;
    for (const record of asked.ok ? freshIn(shown, asked.records) : []) {
      if (isWanted(record, values)) process.stdout.write(`${values.json ? JSON.stringify(record) : lineOf(record)}\n`);
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}

type Asking = { readonly url: string; readonly key: string; isAway?: boolean };

type Asked =
  | { readonly ok: true; readonly records: readonly RequestRecord[] }
  | { readonly ok: false; readonly isFinal: boolean; readonly problem: string };

async function ask({ url, key }: Asking): Promise<Asked> {
  try {
    const answer = await fetch(`${url}/dashboard/api/snapshot`, { headers: { authorization: `Bearer ${key}` } });
    if (answer.ok) return { ok: true, records: ((await answer.json()) as { decisions: RequestRecord[] }).decisions };
    const problem = `${url} answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`;
    return { ok: false, isFinal: answer.status < 500, problem };
  } catch {
    return { ok: false, isFinal: false, problem: `${url} does not answer` };
  }
}

/** Attempts of a job have its id, each its own instant. */
function freshIn(shown: Set<string>, records: readonly RequestRecord[]): readonly RequestRecord[] {
  const fresh = records.filter(({ id, atMs }) => {
    const isFresh = !shown.has(`${id} ${atMs}`);
    shown.add(`${id} ${atMs}`);
    return isFresh;
  });
  for (const one of shown) {
    if (shown.size <= SHOWN_MAX) break;
    shown.delete(one);
  }
  return fresh;
}

/** The exit code. */
export async function tailMain(args: readonly string[]): Promise<number> {
  try {
    return await run(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 1;
  }
}

if (import.meta.main) process.exitCode = await tailMain(process.argv.slice(2));
