/**
 * `npm run compat`: clients that speak to models, unmodified, at the built bundle on raw workerd. Each is tried for each
 * feature; what was found goes to `compat/results.json`, and `npm run reference` makes docs/reference/compat.md of it.
 * Fails where a cell fails without an explanation in `clients.ts`, and where an explanation has nothing to explain.
 */
import { parseArgs } from "node:util";
import { CLIENTS } from "./clients.ts";
import type { Client } from "./clients.ts";
import { FEATURES } from "./feature-list.ts";
import type { FeatureId } from "./feature-list.ts";
import { JUDGES } from "./features.ts";
import { openLab } from "./lab.ts";
import type { Lab } from "./lab.ts";
import { prepare } from "./prepare.ts";
import { readResults, writeResults } from "./results.ts";
import type { Cell, Row } from "./results.ts";
import { MORE, runCheck } from "./more.ts";
import { openSession, runExample } from "./session.ts";

/** Of what is kept of a failure. */
const WHY_CHARS_MAX = 400;
const HELLO = "Good morning, ü 🎈.";

const HELP = `npm run compat -- [options]
  --only ID[,ID]      these clients alone
  --feature ID[,ID]   these features alone
  --dry               write nothing
  --list              the clients and the features`;

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    feature: { type: "string" },
    dry: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const chosen = <Id extends string>(given: string | undefined, all: readonly Id[]): readonly Id[] => {
  const wanted = given?.split(",") ?? all;
  const unknown = wanted.filter((id) => !(all as readonly string[]).includes(id));
  if (unknown.length > 0) throw new Error(`there is no ${unknown.join(", ")}; there are ${all.join(", ")}`);
  return all.filter((id) => wanted.includes(id));
};

async function tryExample(client: Client, at: { url: string; key: string }): Promise<Cell> {
  try {
    const printed = await runExample(client, at);
    return printed.includes(HELLO) ? { result: "pass" } : { result: "fail", why: `it printed ${printed.slice(-200)}` };
  } catch (error) {
    return { result: "fail", why: String(error) };
  }
}

async function tryClient(client: Client, features: readonly FeatureId[], lab: Lab): Promise<Row> {
  const at = { url: lab.door.url, key: lab.fleet.key };
  const session = await openSession(client, at);
  const cells: Partial<Record<FeatureId, Cell>> = {};
  try {
    for (const feature of features) {
      if (client.without?.[feature] !== undefined) continue;
      if (feature === "example") cells[feature] = await tryExample(client, at);
      else {
        const order = (asked: Parameters<typeof session.order>[0]) => session.order(asked);
        const why = await JUDGES[feature]({ lab, order }).catch((error: unknown) => String(error));
        cells[feature] = why === null ? { result: "pass" } : { result: "fail", why: why.slice(0, WHY_CHARS_MAX) };
      }
    }
  } finally {
    session.close();
  }
  return { version: session.version, cells };
}

/** What a reader of the run has to know of one cell; null: nothing. */
function complaint({ id, faults }: Client, feature: FeatureId, { result, why = "" }: Cell): string | null {
  const explained = faults?.[feature];
  if (result === "fail" && explained === undefined) return `${id}, ${feature}: ${why}`;
  if (result === "pass" && explained !== undefined) return `${id}, ${feature}: passes, and clients.ts explains why not`;
  return null;
}

const mark = ({ result }: Cell): string => ({ pass: "ok", fail: "FAIL", skipped: "skipped" })[result];

async function main(): Promise<void> {
  if (options.help || options.list) {
    console.log(HELP);
    for (const { id, name, speaks } of CLIENTS) console.log(`  ${id.padEnd(28)}${name} (${speaks})`);
    for (const [id, says] of Object.entries(FEATURES)) console.log(`  ${id.padEnd(28)}${says}`);
    return;
  }
  const ids = chosen(
    options.only,
    CLIENTS.map(({ id }) => id),
  );
  const clients = CLIENTS.filter(({ id }) => ids.includes(id));
  const features = chosen(options.feature, Object.keys(FEATURES) as FeatureId[]);
  const homes = new Map([...new Set(clients.map(({ home }) => home))].map((home) => [home, prepare(home)]));
  const lab = await openLab();
  const complaints: string[] = [];
  try {
    for (const client of clients) {
      const missing = homes.get(client.home) ?? null;
      const skipped: Cell = { result: "skipped", why: missing ?? "" };
      const row: Row =
        missing === null
          ? await tryClient(client, features, lab).catch((error: unknown) => broken(error, features))
          : { version: "", cells: Object.fromEntries(features.map((feature) => [feature, skipped])) };
      console.log(`${client.id} ${row.version}`);
      for (const [feature, cell] of Object.entries(row.cells) as [FeatureId, Cell][]) {
        console.log(`  ${mark(cell).padEnd(8)}${feature}${cell.why === undefined ? "" : `: ${cell.why}`}`);
        const said = complaint(client, feature, cell);
        if (said !== null) complaints.push(said);
      }
      if (!options.dry) keep(client.id, row);
    }
  } finally {
    await lab.close();
  }
  if (options.only === undefined && options.feature === undefined) await tryMore(complaints);
  console.log(complaints.length === 0 ? "every cell is as it is said" : `unexplained:\n${complaints.join("\n")}`);
  if (complaints.length > 0) process.exitCode = 1;
}

/** What more is tried of single clients, each by a program of its own. */
async function tryMore(complaints: string[]): Promise<void> {
  const missing = prepare("python");
  const checks: Record<string, Cell> = {};
  for (const [name, script] of Object.entries(MORE)) {
    const cell: Cell = missing === null ? await runCheck(script) : { result: "skipped", why: missing };
    console.log(`${mark(cell).padEnd(8)}${name}${cell.why === undefined ? "" : `: ${cell.why}`}`);
    if (cell.result === "fail") complaints.push(`${name}: ${cell.why ?? ""}`);
    checks[name] = cell;
  }
  if (!options.dry) writeResults({ ...readResults(), checks });
}

const broken = (error: unknown, features: readonly FeatureId[]): Row => ({
  version: "",
  cells: Object.fromEntries(
    features.map((feature) => [feature, { result: "fail", why: String(error).slice(0, WHY_CHARS_MAX) }]),
  ),
});

/** Features that were not tried this time keep what is known of them. */
function keep(id: string, row: Row): void {
  const results = readResults();
  const cells = { ...results.clients[id]?.cells, ...row.cells };
  const all = { ...results.clients, [id]: { ...row, cells } };
  const clients = Object.fromEntries(CLIENTS.flatMap(({ id: at }) => (all[at] === undefined ? [] : [[at, all[at]]])));
  writeResults({ ...results, clients });
}

await main();
process.exit();
