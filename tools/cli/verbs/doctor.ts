/** `warmpath doctor`: the checklist over a config, and with `--live` over its endpoints. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Command, Option } from "commander";
import { readJsonc } from "../../../src/config/config-text.ts";
import type { Config } from "../../../src/config/config.ts";
import { findSecrets } from "../../../src/rails/detectors/secrets/secrets.ts";
import { diagnose, type Finding, hasErrors, PROFILES, type Profile, type Written } from "../../doctor/diagnose.ts";
import { examine, type LiveReport } from "../../doctor/live.ts";
import { CONFIG_DEFAULT, loadConfig } from "./check.ts";
import { type Io, table, Trouble } from "./io.ts";

type Options = {
  readonly profile: Profile;
  readonly concurrency?: string;
  readonly live?: boolean;
  readonly json?: boolean;
};

/** Remembers which config was tried last, and when. */
const TRIED_FILE = ".warmpath/tried.json";

export function addDoctor(program: Command, io: Io, exit: (code: number) => void): void {
  program
    .command("doctor")
    .argument("[file]", "the config", CONFIG_DEFAULT)
    .description("what is unwise in a config, item by item with its reason and its fix; 1 when there is an error")
    .addOption(new Option("--profile <profile>", "what it is for").choices(PROFILES).default("production"))
    .option("--concurrency <n>", "requests at once that each pool is to take")
    .option("--live", "ask every endpoint: its health, models, protocols, and one token")
    .option("--json", "findings and reports as JSON")
    .action(async (file: string, options: Options) => exit(await doctor(io, file, options)));
}

async function doctor(io: Io, file: string, options: Options): Promise<number> {
  const { text, config } = loadConfig(io, file);
  const concurrency = readCount(options.concurrency);
  const reports = options.live ? await examineAll(io, config) : [];
  const isWell = reports.length > 0 && reports.every(({ problem }) => problem === null);
  if (isWell) rememberTried(io, text);
  const findings = [
    ...diagnose({
      config,
      written: writtenIn(text),
      profile: options.profile,
      concurrency,
      secretsAt: secretsIn(text, config),
      testedAtMs: triedAtMs(io, text),
    }),
    ...reports.flatMap(liveFinding),
  ];
  if (options.json) io.out(JSON.stringify({ profile: options.profile, findings, endpoints: reports }, null, 2));
  else show(io, findings, reports, options.profile);
  return hasErrors(findings) ? 1 : 0;
}

function show(io: Io, findings: readonly Finding[], reports: readonly LiveReport[], profile: Profile): void {
  if (reports.length > 0) io.out(`${reportTable(reports)}\n`);
  for (const { name, level, where, reason, fix } of findings) {
    io.out(`${level} ${name}${where === "" ? "" : ` ${where}`}\n  ${reason}\n  = ${fix}`);
  }
  const count = (level: Finding["level"]): number => findings.filter((one) => one.level === level).length;
  io.out(`${count("error")} errors, ${count("warning")} warnings, ${count("note")} notes for ${profile}`);
}

const NOT_TOLD = "not told";

const reportTable = (reports: readonly LiveReport[]): string =>
  table(
    ["endpoint", "state", "first token", "models", "context", "protocols"],
    reports.map(({ endpoint, state, ttftMs, models, contextTokens, protocols }) => [
      endpoint,
      state,
      ttftMs === null ? "-" : `${ttftMs} ms`,
      models?.join(",") ?? NOT_TOLD,
      contextTokens === null ? NOT_TOLD : `${contextTokens}`,
      protocols?.join(",") ?? NOT_TOLD,
    ]),
  );

/** One that is cold or loading is no fault. */
const liveFinding = ({ pool, endpoint, state, problem }: LiveReport): readonly Finding[] =>
  problem === null
    ? []
    : [
        {
          name: state === "secret_missing" ? "secret_missing" : "endpoint_failed",
          level: "error",
          where: `pools.${pool} ${endpoint}`,
          reason: problem,
          fix:
            state === "secret_missing"
              ? "export it, or write it into .env"
              : "is it running, is its address right, does it take this key?",
        },
      ];

const examineAll = async (io: Io, config: Config): Promise<readonly LiveReport[]> => {
  const asked = [...config.pools.values()].flatMap((pool) =>
    pool.endpoints.map(async (endpoint) => examine(pool, endpoint, io.env)),
  );
  return Promise.all(asked);
};

function readCount(given: string | undefined): number | null {
  if (given === undefined) return null;
  if (/^[1-9]\d{0,6}$/.test(given)) return Number(given);
  throw new Trouble("bad_option", `--concurrency takes a whole number from 1, not ${given}`);
}

function writtenIn(text: string): Written {
  const read = readJsonc(text);
  return read.ok ? (read.value.value as Written) : {};
}

/** Digests of keys are none: a key cannot be had from one. */
function secretsIn(text: string, { keys }: Config): readonly string[] {
  const digests = new Set(keys.map(({ hmac }) => hmac));
  return findSecrets(text).flatMap(({ start, end }) => {
    if ([...digests].some((digest) => text.slice(start, end).includes(digest))) return [];
    return [`line ${text.slice(0, start).split("\n").length}`];
  });
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

function rememberTried(io: Io, text: string): void {
  const path = join(io.cwd, TRIED_FILE);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify({ config: hashOf(text), atMs: Date.now() }));
}

function triedAtMs(io: Io, text: string): number | null {
  try {
    const { config, atMs } = JSON.parse(readFileSync(join(io.cwd, TRIED_FILE), "utf8")) as {
      config: string;
      atMs: number;
    };
    return config === hashOf(text) ? atMs : null;
  } catch {
    return null;
  }
}
