/** `warmpath plan`, `warmpath apply`: the config against what runs at Runpod, and made so. */
import type { Command } from "commander";
import { readJsonc } from "../../../src/config/config-text.ts";
import { secretIn } from "../../../src/wire/secrets.ts";
import { applyPlan } from "../../provider/apply.ts";
import { type Change, type Plan, planOf, type Provider, replacesWorkers, type Wanted } from "../../provider/plan.ts";
import { ProviderError, RUNPOD_API, type RunpodApi, runpodApi } from "../../provider/runpod-api.ts";
import { CONFIG_DEFAULT, loadConfig } from "./check.ts";
import { type Io, Trouble } from "./io.ts";

const KEY_ENV = "RUNPOD_API_KEY";
const API_ENV = "RUNPOD_API_URL";

type Options = { readonly json?: boolean; readonly yes?: boolean; readonly dryRun?: boolean };

type Prepared = { readonly api: RunpodApi; readonly wanted: readonly Wanted[]; readonly plan: Plan };

export function addProvider(program: Command, io: Io, exit: (code: number) => void): void {
  program
    .command("plan")
    .argument("[file]", "the config", CONFIG_DEFAULT)
    .description(`what would change at Runpod so that it is as the config says; changes nothing (needs ${KEY_ENV})`)
    .option("--json", "the plan as JSON")
    .action(async (file: string, options: Options) => {
      const { plan } = await prepare(io, file);
      show(io, plan, options);
      exit(plan.problems.length > 0 ? 1 : 0);
    });
  program
    .command("apply")
    .argument("[file]", "the config", CONFIG_DEFAULT)
    .description("makes it so, after asking; what fails in the middle is told, and the next apply goes on from there")
    .option("--yes", "without asking")
    .option("--dry-run", "only the plan")
    .option("--json", "what was done as JSON")
    .action(async (file: string, options: Options) => exit(await apply(io, file, options)));
}

async function apply(io: Io, file: string, options: Options): Promise<number> {
  const { api, wanted, plan } = await prepare(io, file);
  if (!options.json) show(io, plan, {});
  if (plan.problems.length > 0)
    throw new Trouble("plan", "nothing was changed: the plan has problems", plan.problems.join("\n    "));
  if (options.dryRun === true || plan.changes.length === 0) {
    if (options.json) io.out(JSON.stringify({ done: [], failed: null, left: plan.changes.map(plainChange) }, null, 2));
    return 0;
  }
  if (options.yes !== true) await confirm(io, plan);
  const { done, failed, left } = await applyPlan(api, plan.changes, wanted, ({ kind, endpoint }) =>
    io.err(`${kind} ${endpoint} …`),
  );
  for (const { change, actual } of done) {
    const where = change.kind === "create" ? `: write "url": "https://${actual.id}.api.runpod.ai" into the config` : "";
    io.err(`${change.kind === "create" ? "created" : "updated"} ${change.endpoint} (${actual.id})${where}`);
  }
  if (options.json) {
    const told = {
      done: done.map(({ change, actual }) => ({ ...plainChange(change), id: actual.id })),
      failed: failed && { ...plainChange(failed.change), why: failed.why, isUnknown: failed.isUnknown },
      left: left.map(plainChange),
    };
    io.out(JSON.stringify(told, null, 2));
  }
  if (failed === null) return 0;
  const unknown = failed.isUnknown ? ", and may have been done all the same" : "";
  io.err(`error[provider]: ${failed.change.kind} ${failed.change.endpoint} failed${unknown}: ${failed.why}`);
  io.err(
    `  ${done.length} done, ${left.length} not tried${left.length === 0 ? "" : ` (${left.map(({ endpoint }) => endpoint).join(", ")})`}: apply again goes on from what is there`,
  );
  return 1;
}

async function prepare(io: Io, file: string): Promise<Prepared> {
  const { text, config } = loadConfig(io, file);
  const key = secretIn(io.env, KEY_ENV);
  if (key === null) throw new Trouble("no_key", `${KEY_ENV} is not set`, "export it, or write it into .env");
  const read = readJsonc(text);
  const written = (read.ok ? read.value.value : {}) as WrittenProviders;
  const wanted = [...config.pools.values()].flatMap((pool) =>
    pool.endpoints.flatMap((endpoint, index) => {
      const provider = written.pools?.[pool.id]?.endpoints?.[index]?.provider;
      return provider === undefined ? [] : [{ endpoint, provider }];
    }),
  );
  if (wanted.length === 0) {
    throw new Trouble(
      "nothing_to_plan",
      "no endpoint of the config has a provider",
      'write "provider": {} at those that this is to keep',
    );
  }
  const api = runpodApi(secretIn(io.env, API_ENV) ?? RUNPOD_API, key);
  try {
    return { api, wanted, plan: planOf(wanted, await api.list(), (name) => secretIn(io.env, name)) };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    throw new Trouble(
      "provider",
      `Runpod's endpoints cannot be listed: ${error.message}`,
      error.status === 401 ? `is ${KEY_ENV} the right key?` : null,
    );
  }
}

type WrittenProviders = {
  readonly pools?: Readonly<Record<string, { readonly endpoints?: readonly { readonly provider?: Provider }[] }>>;
};

function show(io: Io, plan: Plan, { json }: Options): void {
  const { changes, same, strangers, notes, problems } = plan;
  if (json) {
    io.out(JSON.stringify({ ...plan, changes: changes.map(plainChange) }, null, 2));
    return;
  }
  for (const change of changes) io.out(changeText(change));
  for (const id of same) io.out(`= ${id}: as the config says`);
  for (const note of notes) io.err(`note: ${note}`);
  for (const name of strangers) io.err(`note: ${name} is there and not in the config: it is left alone`);
  for (const problem of problems) io.err(`problem: ${problem}`);
  io.out(`${changes.length} to change, ${same.length} as they are to be`);
}

/** Without the body, which has the values of secrets. */
const plainChange = ({ body: _body, ...change }: Change): Omit<Change, "body"> => change;

function changeText(change: Change): string {
  const { kind, endpoint, name, id, diffs } = change;
  const head =
    kind === "create"
      ? `+ ${endpoint}: made at Runpod as ${name}`
      : `~ ${endpoint} (${id}): ${replacesWorkers(change) ? "GPU workers are replaced" : "settings only"}`;
  const lines = diffs.map(
    ({ member, from, to, effect }) =>
      `    ${member}: ${from === null ? "" : `${from} → `}${to}${kind === "update" && effect === "workers" ? "   (replaces GPU workers)" : ""}`,
  );
  return [head, ...lines].join("\n");
}

async function confirm(io: Io, { changes }: Plan): Promise<void> {
  if (!io.isInteractive)
    throw new Trouble(
      "not_confirmed",
      "there is nobody to ask, and nothing was changed",
      "--yes makes it so without asking",
    );
  const { confirm: ask, isCancel } = await import("@clack/prompts");
  const replaced = changes.filter(replacesWorkers).length;
  const said = await ask({
    message: `Change ${changes.length} endpoints${replaced === 0 ? "" : `, ${replaced} of them with new GPU workers`}?`,
    initialValue: false,
  });
  if (isCancel(said) || !said) throw new Trouble("cancelled", "nothing was changed");
}
