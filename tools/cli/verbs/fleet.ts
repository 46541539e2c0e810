/** `warmpath status`, `explain`, `drain`, `undrain`: the fleet as the router sees it, and endpoints out of it and back. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { ExplainedCandidate, Explanation } from "../../../src/routing/core/cost/explain.ts";
import type { ShardStatus } from "../../../src/wire/shard-status.ts";
import { type Io, table, Trouble } from "./io.ts";
import { askOperator, type RouterOptions, withRouter } from "./operator.ts";

const WATCH_EVERY_MS = 1_000;
/** Cursor home, and everything below it cleared. */
const CLEAR = "\u001B[H\u001B[J";

type Shown = RouterOptions & { readonly json?: boolean };
type Shard = { readonly name: string; readonly reachable: boolean; readonly status: ShardStatus | null };
type Fleet = { readonly shards: readonly Shard[] };

export function addFleet(program: Command, io: Io): void {
  withRouter(program.command("status"))
    .description("every endpoint: its standing, what runs there, what waits")
    .option("--watch", "again every second, until Ctrl-C")
    .option("--probe", "ask every endpoint first")
    .option("--json", "the whole answer as JSON")
    .action(async (options: Shown & { readonly watch?: boolean; readonly probe?: boolean }) => {
      for (;;) {
        const fleet = (await askOperator(io, options, {
          path: `/admin/fleet${options.probe ? "?probe=1" : ""}`,
        })) as Fleet;
        const text = options.json ? JSON.stringify(fleet) : fleetText(fleet);
        io.out(options.watch && !options.json && io.isInteractive ? `${CLEAR}${text}` : text);
        if (!options.watch) return;
        await new Promise((settle) => setTimeout(settle, WATCH_EVERY_MS));
      }
    });
  withRouter(program.command("explain"))
    .argument("[request.json]", "a file with {model or pool, place, inputTokens, excluded, priority}")
    .description("where a request would go now, and why every other endpoint lost; sends nothing")
    .option("--model <name>", "the model, in place of a file")
    .option("--place <place>", "where the client is: lat,lon or a region")
    .option("--tokens <n>", "tokens of the prompt")
    .option("--json", "the whole answer as JSON")
    .action(async (file: string | undefined, options: Shown & Question) => {
      const asked = await askOperator(io, options, {
        method: "POST",
        path: "/admin/explain",
        body: question(io, file, options),
      });
      io.out(options.json ? JSON.stringify(asked, null, 2) : explanationText(asked as Explained));
    });
  for (const verb of ["drain", "undrain"] as const) {
    withRouter(program.command(verb))
      .argument("<id>", "of an endpoint, or with --pool of a pool")
      .description(
        verb === "drain"
          ? "takes an endpoint out of traffic; what runs ends by itself"
          : "puts an endpoint back into traffic",
      )
      .option("--pool", "every endpoint of a pool")
      .option("--json", "the answer as JSON")
      .action(async (id: string, options: Shown & { readonly pool?: boolean }) => {
        const path = `/admin/${options.pool ? "pools" : "endpoints"}/${encodeURIComponent(id)}/${verb}`;
        const told = await askOperator(io, options, { method: "POST", path });
        io.out(options.json ? JSON.stringify(told, null, 2) : drainText(told as Drained));
      });
  }
}

function fleetText({ shards }: Fleet): string {
  const rows = shards.flatMap(({ name, reachable, status }) =>
    status === null
      ? [[name, "-", reachable ? "not told" : "no answer", "", "", ""]]
      : status.endpoints.map((endpoint) => [
          name,
          endpoint.id,
          endpoint.standing,
          `${endpoint.inFlight}`,
          `${endpoint.capacity}`,
          `${status.queued}`,
        ]),
  );
  return table(["shard", "endpoint", "standing", "in flight", "slots", "waiting"], rows);
}

const known = (figure: number | null): string => (figure === null ? "not known" : `${figure}`);

type Question = { readonly model?: string; readonly place?: string; readonly tokens?: string };

function question(io: Io, file: string | undefined, { model, place, tokens }: Question): unknown {
  const written = file === undefined ? {} : readJson(io, file);
  const given = {
    ...(model === undefined ? {} : { model }),
    ...(place === undefined ? {} : { place }),
    ...(tokens === undefined ? {} : { inputTokens: Number(tokens) }),
  };
  return { ...written, ...given };
}

function readJson(io: Io, file: string): object {
  try {
    return JSON.parse(readFileSync(resolve(io.cwd, file), "utf8")) as object;
  } catch (error) {
    throw new Trouble(
      "bad_file",
      `${file} cannot be read as JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

type Explained = Explanation & { readonly pool: string; readonly shard: string };

function explanationText({ pool, shard, source, decision, candidates }: Explained): string {
  const terms = Object.keys(candidates[0]?.terms ?? {}) as (keyof ExplainedCandidate["terms"])[];
  const rows = candidates.map((candidate) => [
    candidate.endpointId,
    ...terms.map((name) => `${Math.round(candidate.terms[name])}`),
    `${Math.round(candidate.totalMs)}`,
    candidate.why,
  ]);
  const went =
    decision.kind === "chosen" ? `would go to ${decision.endpointId}` : `would not go anywhere: ${decision.kind}`;
  return `pool ${pool}, told by ${source} (${shard}); ms until the first token\n${table(["endpoint", ...terms, "sum", "why"], rows)}\n${went}`;
}

type Drained = {
  readonly drained: boolean;
  readonly endpoint?: string;
  readonly pool?: string;
  readonly inFlight?: number;
  readonly endpoints?: readonly { readonly endpoint: string; readonly inFlight: number | null }[];
  readonly unreached?: readonly string[];
};

function drainText({ drained, endpoint, inFlight, endpoints = [], unreached = [] }: Drained): string {
  const all = endpoint === undefined ? endpoints : [{ endpoint, inFlight: inFlight ?? null }];
  const lines = all.map(
    (one) => `${one.endpoint}: ${drained ? "takes nothing new" : "takes traffic"}, ${known(one.inFlight)} in flight`,
  );
  return [...lines, ...unreached.map((id) => `${id}: did not answer, give the order again`)].join("\n");
}
