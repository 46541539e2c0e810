/**
 * `warmpath init`: from addresses to a fleet that serves: a config with what the servers said, an env file with a pepper and
 * a key, and nothing overwritten.
 */
import { randomBytes } from "node:crypto";
import { appendFileSync, chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { pepperMark } from "../../../src/access/core/key-id.ts";
import { parseConfig } from "../../../src/config/config-parse.ts";
import { formatKey, keyHmac, toHex } from "../../../src/wire/api-keys.ts";
import { secretIn, secretsOf } from "../../../src/wire/secrets.ts";
import { draftConfig, type DraftServer, type Place } from "../init/config-draft.ts";
import { readLitellm } from "../init/litellm.ts";
import { probeServer } from "../init/probe-server.ts";
import { isRunpodLb, unasked } from "../init/server-kind.ts";
import { CONFIG_DEFAULT } from "./check.ts";
import { type Io, several, Trouble } from "./io.ts";

const ENV_FILE = ".env";
const PEPPER = "WARMPATH_KEY_PEPPER";
const KEY = "WARMPATH_KEY";
const PEPPER_BYTES = 32;
const MODEL_DEFAULT = "my-model";
const RUNPOD_KEY = "RUNPOD_API_KEY";
/** A time zone is so many degrees wide. */
const DEGREES_PER_HOUR = 15;

type Options = {
  readonly url?: readonly string[];
  readonly litellm?: string;
  readonly keyEnv?: string;
  readonly model?: string;
  readonly place?: string;
  readonly force?: boolean;
};

export function addInit(program: Command, io: Io): void {
  program
    .command("init")
    .description("asks for the addresses of your servers, or takes them, and writes a config, an env file and a key")
    .option("--url <url>", "a server that speaks OpenAI's API; may be given several times", several)
    .option("--litellm <file>", "take the servers of a LiteLLM config.yaml")
    .option(
      "--key-env <name>",
      "name of the environment variable with the servers' key (default: none; RUNPOD_API_KEY for Runpod)",
    )
    .option("--model <name>", `what clients call the model of a server that does not say (default ${MODEL_DEFAULT})`)
    .option("--place <lat,lon>", "where the servers are (default: guessed from this machine's time zone)")
    .option("--force", `write ${CONFIG_DEFAULT} anew; the one before is kept as ${CONFIG_DEFAULT}.before`)
    .action(async (options: Options) => init(io, options));
}

async function init(io: Io, options: Options): Promise<void> {
  const path = join(io.cwd, CONFIG_DEFAULT);
  if (existsSync(path) && options.force !== true) {
    throw new Trouble(
      "exists",
      `${CONFIG_DEFAULT} is here already, and nothing was written`,
      "--force writes it anew and keeps this one beside it",
    );
  }
  const { servers, notes } = await serversOf(io, options);
  const env = envOf(io);
  const { key, entry } = await newKey(env.pepper);
  const draft = draftConfig(servers, entry, { place: placeOf(options.place), model: options.model ?? MODEL_DEFAULT });
  const config = parseConfig(draft.text);
  if (!config.ok) {
    const told = config.error.map(({ path: at, problem, fix }) => `${at}: ${problem}: ${fix}`).join("\n");
    throw new Trouble("config", `what was found makes no config:\n${told}`);
  }
  if (existsSync(path)) copyFileSync(path, `${path}.before`);
  writeFileSync(path, draft.text);
  const missing = secretsOf(config.value).filter(
    ({ name, isNeeded }) => isNeeded && name !== PEPPER && secretIn(io.env, name) === null,
  );
  writeEnv(
    io,
    { ...env.made, [KEY]: key },
    missing.map(({ name }) => name),
  );
  keepOutOfGit(io);
  for (const note of [...notes, ...draft.notes]) io.err(`note: ${note}`);
  for (const { name, usedBy } of missing) io.err(`note: put ${name} into ${ENV_FILE}, for ${usedBy.join(", ")}`);
  io.err(
    `wrote ${CONFIG_DEFAULT} (models ${draft.models.join(", ")}) and ${ENV_FILE} (a pepper and a key, for you alone)`,
  );
  io.err('\nnext:\n  warmpath serve\n  warmpath send "Hello!"   # in a second terminal, in this folder');
}

type Servers = { readonly servers: readonly DraftServer[]; readonly notes: readonly string[] };

async function serversOf(io: Io, options: Options): Promise<Servers> {
  const imported = options.litellm === undefined ? { servers: [], notes: [] } : await fromLitellm(io, options.litellm);
  const urls = (options.url ?? (options.litellm === undefined ? await askForUrls(io) : [])).map(plainUrl);
  const probed = await Promise.all(urls.map(async (url) => found(io, url, options)));
  for (const { url, said } of probed) io.err(`${url} ${said}`);
  const servers = [...imported.servers, ...probed];
  if (servers.length > 0) return { servers, notes: imported.notes };
  const fix = imported.notes.length === 0 ? "name one with --url" : imported.notes.join("\n    ");
  throw new Trouble("no_server", "there is no server to route to", fix);
}

async function found(io: Io, url: string, { keyEnv }: Options): Promise<DraftServer> {
  if (isRunpodLb(url)) return { ...unasked(url), keyEnv: keyEnv ?? RUNPOD_KEY, alias: null };
  const key = keyEnv === undefined ? null : secretIn(io.env, keyEnv);
  const server = await probeServer(url, key);
  const wanted = server.state === "wants_key" ? "GPU_KEY" : null;
  return { ...server, keyEnv: keyEnv ?? wanted, alias: null };
}

/** As the config wants it: without a final /v1. */
function plainUrl(given: string): string {
  const url = given.includes("://") ? given : `http://${given}`;
  if (!URL.canParse(url))
    throw new Trouble("bad_url", `"${given}" is no URL`, "write one such as http://127.0.0.1:8000");
  return url.replace(/\/+$/, "").replace(/\/v1$/, "");
}

async function askForUrls(io: Io): Promise<readonly string[]> {
  if (!io.isInteractive)
    throw new Trouble("no_url", "no server is named, and there is nobody to ask", "name one with --url");
  const { isCancel, text } = await import("@clack/prompts");
  const urls: string[] = [];
  for (;;) {
    const message = urls.length === 0 ? "Where is a server that speaks OpenAI's API?" : "Another one? (Enter: no)";
    const said = await text({ message, placeholder: urls.length === 0 ? "http://127.0.0.1:8000" : "" });
    if (isCancel(said)) throw new Trouble("cancelled", "nothing was written");
    if (said === undefined || said.trim() === "") break;
    urls.push(said.trim());
  }
  return urls;
}

async function fromLitellm(io: Io, file: string): Promise<Servers> {
  const { parse } = await import("yaml");
  let parsed: unknown;
  try {
    parsed = parse(readFileSync(resolve(io.cwd, file), "utf8"));
  } catch (error) {
    throw new Trouble(
      "bad_file",
      `${file} cannot be read as YAML: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const imported = readLitellm(parsed);
  if (imported === null) throw new Trouble("bad_file", `${file} has no model_list: it is no config of LiteLLM`);
  return imported;
}

/** The pepper that is there is kept: keys were made under it. */
function envOf(io: Io): { readonly pepper: string; readonly made: Readonly<Record<string, string>> } {
  const set = secretIn(io.env, PEPPER);
  if (set !== null) return { pepper: set, made: {} };
  const pepper = randomBytes(PEPPER_BYTES).toString("base64");
  return { pepper, made: { [PEPPER]: pepper } };
}

async function newKey(pepper: string): Promise<{ readonly key: string; readonly entry: object }> {
  const id = "owner";
  const key = formatKey(id, crypto.getRandomValues(new Uint8Array(32)));
  const hmac = toHex(await keyHmac(key, pepper));
  return { key, entry: { id, tenant: "me", hmac, pepper: pepperMark(pepper), scopes: ["infer", "admin"] } };
}

/** What was there stays: a variable that is made anew is kept as a comment, since clients may have its value. */
function writeEnv(io: Io, made: Readonly<Record<string, string>>, missing: readonly string[]): void {
  const path = join(io.cwd, ENV_FILE);
  const before = existsSync(path) ? readFileSync(path, "utf8").replace(/\n*$/, "\n") : "";
  const isMade = (line: string): boolean => Object.keys(made).some((name) => line.startsWith(`${name}=`));
  const kept = before.split("\n").map((line) => (isMade(line) ? `# before: ${line}` : line));
  const lines = [
    ...Object.entries(made).map(([name, value]) => `${name}=${value}`),
    ...missing.filter((name) => !before.includes(`${name}=`)).map((name) => `# ${name}=`),
  ];
  writeFileSync(path, `${kept.join("\n").trimStart()}${lines.join("\n")}\n`, { mode: 0o600 });
  chmodSync(path, 0o600);
}

function keepOutOfGit(io: Io): void {
  const path = join(io.cwd, ".gitignore");
  const before = existsSync(path) ? readFileSync(path, "utf8") : "";
  const missing = [ENV_FILE, ".warmpath/"].filter((line) => !before.split(/\r?\n/).includes(line));
  if (missing.length > 0)
    appendFileSync(path, `${before === "" || before.endsWith("\n") ? "" : "\n"}${missing.join("\n")}\n`);
}

function placeOf(given: string | undefined): Place {
  if (given === undefined) {
    const lon = Math.round((-new Date().getTimezoneOffset() / 60) * DEGREES_PER_HOUR);
    return { lat: 45, lon };
  }
  const [, lat, lon] = /^(-?\d{1,2}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?)$/.exec(given) ?? [];
  if (lat === undefined || lon === undefined || Math.abs(Number(lat)) > 90 || Math.abs(Number(lon)) > 180) {
    throw new Trouble("bad_option", `--place takes lat,lon in degrees such as 50.1,8.7, not ${given}`);
  }
  return { lat: Number(lat), lon: Number(lon) };
}
