/**
 * `npm run key`: makes an API key, prints it once, and prints the entry that goes into `keys` of `warmpath.jsonc`.
 * Nothing is stored: whoever loses the key makes another. The key alone goes to stdout, so that it can be piped; what
 * a person reads goes to stderr.
 */
import { parseArgs } from "node:util";
import { pepperMark } from "../../src/access/core/key-id.ts";
import { formatKey, keyHmac, PEPPER_CHARS_MIN, pepperProblem, toHex } from "../../src/wire/api-keys.ts";
import { SCOPES } from "../../src/config/config-bounds.ts";
import { KEY_ID, TENANT_ID } from "../../src/config/access-schema.ts";

export const PEPPER_ENV_DEFAULT = "WARMPATH_KEY_PEPPER";

const USAGE = `usage: npm run key -- --id ops --tenant acme [--scope infer] [--scope admin] [--scope worker] [--scope operate] [--pepper-env ${PEPPER_ENV_DEFAULT}]
  --id <id>            names the key in the config and in logs
  --tenant <tenant>    whose key it is
  --scope <scope>      what it may do; may be given several times (default infer)
  --pepper-env <name>  environment variable that holds the pepper (default ${PEPPER_ENV_DEFAULT})
  --help               this text
`;

export type Said = { readonly exitCode: 0 | 1; readonly out: string; readonly err: string };

type KeyArgs = {
  readonly id: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
  readonly pepperEnv: string;
};

/** `secretBytes`: 32 random bytes. */
export async function keyCommand(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  secretBytes: Uint8Array,
): Promise<Said> {
  if (args.includes("--help")) return { exitCode: 0, out: USAGE, err: "" };
  const parsed = readArgs(args);
  if (typeof parsed === "string") return { exitCode: 1, out: "", err: `${parsed}\n${USAGE}` };
  const { id, tenant, scopes, pepperEnv } = parsed;
  const pepper = env[pepperEnv];
  const problem = pepperProblem(pepper);
  if (pepper === undefined || problem !== null)
    return { exitCode: 1, out: "", err: pepperHelp(pepperEnv, problem ?? "is not set") };
  const key = formatKey(id, secretBytes);
  const entry = { id, tenant, hmac: toHex(await keyHmac(key, pepper)), pepper: pepperMark(pepper), scopes };
  const err = `The key below is shown once. Give it to its owner.

Paste this into "keys" of warmpath.jsonc and deploy:
  ${JSON.stringify(entry)}

The Worker needs the same pepper: npx wrangler secret put ${PEPPER_ENV_DEFAULT}
(\`npm run serve\` reads it from the environment.)
`;
  return { exitCode: 0, out: `${key}\n`, err };
}

/** The arguments, or what is wrong with them. */
function readArgs(args: readonly string[]): KeyArgs | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        id: { type: "string" },
        tenant: { type: "string" },
        scope: { type: "string", multiple: true, default: ["infer"] },
        "pepper-env": { type: "string", default: PEPPER_ENV_DEFAULT },
      },
    });
    const { id, tenant, scope: scopes } = values;
    if (id === undefined || !KEY_ID.test(id))
      return "--id takes 1 to 32 of a-z 0-9 -, starting with a letter or a digit";
    if (tenant === undefined || !TENANT_ID.test(tenant))
      return "--tenant takes 1 to 64 of a-z 0-9 . _ -, starting with a letter or a digit";
    const wrong = scopes.find((scope) => !(SCOPES as readonly string[]).includes(scope));
    if (wrong !== undefined) return `--scope takes infer, admin, worker or operate, not ${wrong}`;
    return { id, tenant, scopes: [...new Set(scopes)], pepperEnv: values["pepper-env"] };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function pepperHelp(name: string, problem: string): string {
  return `${name} ${problem}. The pepper is a secret of the deployment (at least ${PEPPER_CHARS_MIN} characters) under which keys are hashed.
Make one, keep it, and run this again:
  export ${name}="$(openssl rand -base64 32)"
Give the Worker the same one:
  npx wrangler secret put ${PEPPER_ENV_DEFAULT}
A new pepper makes every key worthless that was made under the old one.
`;
}

/** The exit code. */
export async function keyMain(args: readonly string[]): Promise<number> {
  const said = await keyCommand(args, process.env, crypto.getRandomValues(new Uint8Array(32)));
  process.stderr.write(said.err);
  process.stdout.write(said.out);
  return said.exitCode;
}

if (import.meta.main) process.exitCode = await keyMain(process.argv.slice(2));
