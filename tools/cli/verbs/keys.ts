/** `warmpath keys`: the registry of keys, by the router's API. `warmpath key` makes one for the config file instead. */
import { Command } from "commander";
import { SCOPES } from "../../../src/config/config-bounds.ts";
import { type Io, several, table, Trouble } from "./io.ts";
import { askOperator, type RouterOptions, withRouter } from "./operator.ts";

type Shown = RouterOptions & { readonly json?: boolean };

type KeyView = {
  readonly id: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
  readonly state?: string;
  readonly expiresAtMs?: number | null;
  readonly note?: string;
};

type NewKeyOptions = Shown & {
  readonly tenant: string;
  readonly label?: string;
  readonly scope?: readonly string[];
  readonly model?: readonly string[];
  readonly pool?: readonly string[];
  readonly address?: readonly string[];
  readonly spendPerDay?: string;
  readonly spendPerMonth?: string;
  readonly expiresIn?: string;
  readonly note?: string;
};

export function addKeys(program: Command, io: Io): void {
  const keys = program
    .command("keys")
    .description("keys of the registry: made, listed, rotated and revoked while the router runs");
  withRouter(keys.command("list"))
    .description("keys, those of the config beside them")
    .option("--tenant <tenant>", "only this tenant's")
    .option("--json", "the answer as JSON")
    .action(async (options: Shown & { readonly tenant?: string }) => list(io, options));
  withRouter(keys.command("create"))
    .description("makes a key; it is shown once, on stdout")
    .requiredOption("--tenant <tenant>", "whose key it is")
    .option("--label <label>", "begins its id")
    .option(
      "--scope <scope>",
      `what it may do: ${SCOPES.join(", ")}; may be given several times (default infer)`,
      several,
    )
    .option("--model <model>", "only this model; may be given several times", several)
    .option("--pool <pool>", "only this pool; may be given several times", several)
    .option("--address <network>", "only from here; may be given several times", several)
    .option("--spend-per-day <amount>", "its cap, in the config's currency")
    .option("--spend-per-month <amount>", "its cap, in the config's currency")
    .option("--expires-in <seconds>", "its life (default: no end)")
    .option("--note <text>", "for people")
    .option("--json", "the whole answer as JSON")
    .action(async (options: NewKeyOptions) => create(io, options));
  withRouter(keys.command("rotate"))
    .argument("<id>")
    .description("a second secret for a key; the one before it goes on for a while")
    .option("--overlap <seconds>", "for how long (default: a day; 0 for a key that leaked)")
    .option("--json", "the whole answer as JSON")
    .action(async (id: string, options: Shown & { readonly overlap?: string }) => {
      const body = options.overlap === undefined ? {} : { overlapSeconds: Number(options.overlap) };
      const made = await askOperator(io, options, {
        method: "POST",
        path: `/admin/keys/${encodeURIComponent(id)}/rotate`,
        body,
      });
      showMade(io, options, made);
    });
  withRouter(keys.command("revoke"))
    .argument("<id>")
    .description("ends a key, everywhere within a minute")
    .option("--json", "the answer as JSON")
    .action(async (id: string, options: Shown) => {
      const told = await askOperator(io, options, { method: "DELETE", path: `/admin/keys/${encodeURIComponent(id)}` });
      io.out(options.json ? JSON.stringify(told, null, 2) : `${id} is revoked, everywhere within a minute`);
    });
}

async function list(io: Io, options: Shown & { readonly tenant?: string }): Promise<void> {
  const found: KeyView[] = [];
  let fixed: readonly KeyView[] = [];
  let after: string | null = null;
  do {
    const query = new URLSearchParams({ ...(options.tenant && { tenant: options.tenant }), ...(after && { after }) });
    const page = (await askOperator(io, options, { path: `/admin/keys?${query}` })) as KeyPage;
    found.push(...(page.data ?? []));
    fixed = page.config ?? fixed;
    after = page.hasMore ? (page.data?.at(-1)?.id ?? null) : null;
  } while (after !== null);
  if (options.json) {
    io.out(JSON.stringify({ data: found, config: fixed }, null, 2));
    return;
  }
  const row = (from: string) => (key: KeyView) => [
    key.id,
    key.tenant,
    key.scopes.join(","),
    from,
    typeof key.expiresAtMs === "number" ? new Date(key.expiresAtMs).toISOString() : "never",
    key.note ?? "",
  ];
  io.out(
    table(
      ["id", "tenant", "scopes", "from", "ends", "note"],
      [...found.map(row("registry")), ...fixed.map(row("config"))],
    ),
  );
}

type KeyPage = { readonly data?: readonly KeyView[]; readonly config?: readonly KeyView[]; readonly hasMore?: boolean };

async function create(io: Io, options: NewKeyOptions): Promise<void> {
  const { tenant, label, scope, model, pool, address, spendPerDay, spendPerMonth, expiresIn, note } = options;
  const unknown = scope?.find((one) => !(SCOPES as readonly string[]).includes(one));
  if (unknown !== undefined) throw new Trouble("bad_option", `--scope takes ${SCOPES.join(", ")}, not ${unknown}`);
  const limits = {
    ...(spendPerDay === undefined ? {} : { spendPerDay: Number(spendPerDay) }),
    ...(spendPerMonth === undefined ? {} : { spendPerMonth: Number(spendPerMonth) }),
  };
  const given = { tenant, label, scopes: scope, models: model, pools: pool, addresses: address, note };
  const body = {
    ...given,
    ...(expiresIn === undefined ? {} : { expiresInSeconds: Number(expiresIn) }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  };
  showMade(io, options, await askOperator(io, options, { method: "POST", path: "/admin/keys", body }));
}

/** The key alone on stdout, so that it can be piped. */
function showMade(io: Io, { json }: Shown, made: unknown): void {
  if (json) {
    io.out(JSON.stringify(made, null, 2));
    return;
  }
  const { key, id } = made as { readonly key: string; readonly id: string };
  io.err(`${id}: the key below is shown once`);
  io.out(key);
}
