/** `warmpath check`, `warmpath schema`: what can be known of a config without a network. */
import { existsSync, readFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { parseConfig } from "../../../src/config/config-parse.ts";
import { missingSecrets } from "../../../src/wire/secrets.ts";
import { configNotes, configWarnings, readConfigFile, type ConfigFile } from "../config-file.ts";
import { type Io, Trouble } from "./io.ts";

export const CONFIG_DEFAULT = "warmpath.jsonc";

type Options = { readonly json?: boolean };

export function addCheck(program: Command, io: Io): void {
  program
    .command("check")
    .argument("[file]", "the config", CONFIG_DEFAULT)
    .description("says whether a config is right, with the line and the fix of every mistake; asks nobody")
    .option("--json", "problems, warnings and missing secrets as JSON")
    .action((file: string, options: Options) => check(io, file, options));
  program
    .command("schema")
    .description("prints the JSON schema of the config, for editors")
    .action(async () => {
      const { configJsonSchema } = await import("../../../src/config/config-issue.ts");
      io.out(JSON.stringify(configJsonSchema(), null, 2));
    });
}

function check(io: Io, file: string, { json = false }: Options): void {
  const path = resolve(io.cwd, file);
  if (json) {
    const text = readText(io, path);
    const parsed = parseConfig(text);
    const told = parsed.ok
      ? {
          ok: true,
          problems: [],
          warnings: configWarnings(parsed.value),
          notes: configNotes(text),
          secretsMissing: missingSecrets(parsed.value, io.env),
        }
      : { ok: false, problems: parsed.error, warnings: [], notes: [], secretsMissing: [] };
    io.out(JSON.stringify(told, null, 2));
    if (!parsed.ok) throw new Trouble("config", `${file} is not right`);
    return;
  }
  const { config, text } = loadConfig(io, file);
  for (const warning of configWarnings(config)) io.err(`warning: ${warning}`);
  for (const note of configNotes(text)) io.err(`note: ${note}`);
  for (const { name, usedBy } of missingSecrets(config, io.env)) {
    io.err(`note: the secret ${name} is not set here, for ${usedBy.join(", ")}`);
  }
  const endpoints = [...config.pools.values()].reduce((sum, pool) => sum + pool.endpoints.length, 0);
  io.out(`${file} is right: ${config.pools.size} pools, ${endpoints} endpoints, ${config.keys.length} keys`);
}

/** Throws `Trouble` with every mistake in it. */
export function loadConfig(io: Io, file: string): ConfigFile {
  const path = resolve(io.cwd, file);
  readText(io, path);
  const read = readConfigFile(path, relative(io.cwd, path), "choose another file");
  if (!read.ok) throw new Trouble("config", `${basename(path)} is not right:\n${read.error.trimEnd()}`);
  return read.value;
}

function readText(io: Io, path: string): string {
  if (!existsSync(path)) {
    const fix = existsSync(join(io.cwd, CONFIG_DEFAULT)) ? `${CONFIG_DEFAULT} is here` : '"warmpath init" writes one';
    throw new Trouble("no_config", `there is no ${relative(io.cwd, path)} in this folder`, fix);
  }
  return readFileSync(path, "utf8");
}
