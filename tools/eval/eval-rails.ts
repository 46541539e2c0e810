/**
 * `npm run eval:rails -- --data DIR [--json FILE] [--errors] [--rail NAME]`: how well the rails that run inside the
 * isolate do on labelled sets.
 *
 * Model. Every `{rail}.{set}.jsonl` of the folder is measured (`eval-judge.ts`) and is a row of the table and of the
 * JSON. What cannot be measured (a file of an unknown rail, a bad line) is named on stderr and never costs the rest its
 * figures; the exit code then says that something is missing. A rail that needs the operator's list and finds none is
 * skipped: that is a choice, not a fault.
 * Rejected: failing below an aim. This command measures; what is good enough depends on the set.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { err, ok, type Result } from "../../src/lib/result.ts";
import { judgeSet } from "./eval-judge.ts";
import type { Judged } from "./eval-judge.ts";
import { makeRail, optionsOf, RAIL_NAMES } from "./eval-known-rails.ts";
import type { EvalRail } from "./eval-known-rails.ts";
import { mistakesOf, tableOf } from "./eval-print.ts";
import { listSets, readOptions, readSet } from "./eval-sets.ts";
import type { EvalSet, SetFile } from "./eval-sets.ts";
import { gitleaksRail } from "./peers/gitleaks.ts";
import { keywordsRail } from "./peers/keywords.ts";
import { presidioRail } from "./peers/presidio.ts";

const USAGE = `usage: npm run eval:rails -- --data DIR [--json FILE] [--errors] [--rail NAME]
           [--gitleaks FILE] [--presidio PYTHON]
  --data DIR    folder with files {rail}.{set}.jsonl, a line each: {"text": "…", "label": 0} (or 1) for yes or no, or
                {"text": "…", "spans": [{"start": 0, "end": 4, "type": "…"}]} (UTF-16 offsets, end exclusive);
                "role": "tool" for a text that a tool has brought, else it is a user's
  --json FILE   also write the figures there
  --errors      list what the rails got wrong
  --rail NAME   only the sets of this rail, one of: ${RAIL_NAMES.join(", ")}
  --gitleaks FILE    measure that gitleaks.toml on the sets of "secrets" too
  --keywords    measure a list of keywords on the sets of "injection" too
  --presidio PYTHON  measure Presidio's pattern recognizers on the sets of "pii" too, by a Python that has them
A rail's options, if it takes any, are read from {rail}.json in that folder; topics and regex are skipped without.
Exit code: 0 everything was measured, 1 something was left out (the figures of the rest are complete), 2 nothing was.
`;

/** 0: all was measured or skipped on purpose; 1: something had to be left out; 2: nothing was measured. */
export type EvalExitCode = 0 | 1 | 2;

export type EvalOutput = {
  /** The table. */
  readonly say: (text: string) => void;
  /** What is wrong with the input. */
  readonly warn: (text: string) => void;
};

type EvalArgs = {
  readonly data: string;
  readonly json: string | null;
  readonly errors: boolean;
  readonly rail: string | null;
  readonly peers: Peers;
};

/** Where others are that do what a rail does. */
type Peers = { readonly gitleaks: string | null; readonly presidio: string | null; readonly keywords: boolean };

export function evalCommand(args: readonly string[], { say, warn }: EvalOutput): EvalExitCode {
  if (args.includes("--help")) {
    say(USAGE);
    return 0;
  }
  const parsed = readArgs(args);
  if (!parsed.ok) {
    warn(`${parsed.error}\n${USAGE}`);
    return 2;
  }
  const { data, json, errors, rail, peers } = parsed.value;
  const listed = listSets(data);
  if (!listed.ok) {
    warn(`${listed.error}\n`);
    return 2;
  }
  const files = listed.value.files.filter((file) => rail === null || file.rail === rail);
  const problems = rail === null ? [...listed.value.problems] : [];
  if (files.length === 0) problems.push(`no file ${rail ?? "{rail}"}.{set}.jsonl in the folder of --data`);
  const notes: string[] = [];
  const judged: Judged[] = [];
  const mistakes: string[] = [];
  for (const file of files) {
    const measured = measure(data, file, peers);
    problems.push(...measured.problems);
    notes.push(...measured.notes);
    if (measured.judged === null) continue;
    judged.push(measured.judged, ...measured.peers);
    if (errors) mistakes.push(mistakesOf(file.file, measured.judged.mistakes));
  }
  const results = judged.map(({ result }) => result);
  if (errors) say(mistakes.join(""));
  if (results.length > 0) say(tableOf(results));
  if (json !== null) {
    const problem = write(json, `${JSON.stringify({ results, problems, notes }, null, 2)}\n`);
    if (problem !== null) problems.push(problem);
  }
  for (const line of [...notes, ...problems]) warn(`${line}\n`);
  if (problems.length === 0) return 0;
  return results.length > 0 ? 1 : 2;
}

type Measured = {
  readonly judged: Judged | null;
  /** The same set as others see it. */
  readonly peers: readonly Judged[];
  readonly problems: readonly string[];
  /** What a person should know and need not mend. */
  readonly notes: readonly string[];
};

function measure(folder: string, file: SetFile, peers: Peers): Measured {
  const needs = optionsOf(file.rail);
  if (needs === null) {
    const problem = `${file.file}: left out, there is no rail "${file.rail}" to measure: name the file after one of ${RAIL_NAMES.join(", ")}`;
    return { judged: null, peers: [], problems: [problem], notes: [] };
  }
  const options = needs === "none" ? ok(undefined) : readOptions(folder, `${file.rail}.json`);
  if (!options.ok)
    return { judged: null, peers: [], problems: [`${file.file}: left out, ${options.error}`], notes: [] };
  if (needs === "needed" && options.value === undefined) {
    const note = `${file.file}: skipped, the rail finds what an operator lists: put its options into ${file.rail}.json beside it`;
    return { judged: null, peers: [], problems: [], notes: [note] };
  }
  const read = readSet(folder, file);
  if (!read.ok) return { judged: null, peers: [], problems: [read.error], notes: [] };
  const [set, problems] = read.value;
  const types = [...new Set(set.rows.flatMap(({ spans }) => (spans ?? []).map(({ type }) => type)))];
  const rail = makeRail(file.rail, { options: options.value, types });
  if (!rail.ok)
    return { judged: null, peers: [], problems: [...problems, `${file.file}: left out, ${rail.error}`], notes: [] };
  const judged = judgeSet(set, rail.value);
  const failed = judged.failedLines.map((line) => `${file.file}:${line}: left out, the rail failed on this text`);
  const others = measurePeers(set, rail.value, peers);
  return {
    judged,
    peers: others.judged,
    problems: [...problems, ...failed],
    notes: [...notesOn(set, rail.value), ...others.notes],
  };
}

/** A peer that is not there is skipped: nobody needs it for our own figures. */
function measurePeers(
  set: EvalSet,
  ours: EvalRail,
  { gitleaks, presidio, keywords }: Peers,
): { readonly judged: readonly Judged[]; readonly notes: readonly string[] } {
  const as = (rail: string, peer: EvalRail): Judged => judgeSet({ ...set, rail }, peer);
  if (set.rail === "injection" && keywords) return { judged: [as("keywords", keywordsRail)], notes: [] };
  if (set.rail === "secrets" && gitleaks !== null) {
    try {
      return { judged: [as("gitleaks", gitleaksRail(readFileSync(gitleaks, "utf8")))], notes: [] };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { judged: [], notes: [`${set.file}: gitleaks is skipped: ${reason}`] };
    }
  }
  if (set.rail !== "pii" || presidio === null) return { judged: [], notes: [] };
  const texts = [...new Set(set.rows.map(({ text }) => text))];
  const peer = presidioRail(presidio, texts, ours);
  return peer.ok
    ? { judged: [as("presidio", peer.value)], notes: [] }
    : { judged: [], notes: [`${set.file}: ${peer.error}`] };
}

function notesOn({ file }: EvalSet, { strangeTypes }: EvalRail): string[] {
  if (strangeTypes.length === 0) return [];
  return [`${file}: the rail never finds ${strangeTypes.join(", ")}: these spans count as missed`];
}

function write(path: string, text: string): string | null {
  try {
    writeFileSync(path, text);
    return null;
  } catch (error) {
    return `the file of --json cannot be written: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function readArgs(args: readonly string[]): Result<EvalArgs, string> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        data: { type: "string" },
        json: { type: "string" },
        errors: { type: "boolean", default: false },
        rail: { type: "string" },
        gitleaks: { type: "string" },
        presidio: { type: "string" },
        keywords: { type: "boolean", default: false },
      },
    });
    const { data, json = null, errors, rail = null, gitleaks = null, presidio = null, keywords } = values;
    if (data === undefined) return err("--data is needed: the folder with the sets");
    if (rail !== null && !RAIL_NAMES.includes(rail))
      return err(`--rail takes one of ${RAIL_NAMES.join(", ")}, not ${rail}`);
    return ok({ data, json, errors, rail, peers: { gitleaks, presidio, keywords } });
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

if (import.meta.main) {
  process.exitCode = evalCommand(process.argv.slice(2), {
    say: (text) => process.stdout.write(text),
    warn: (text) => process.stderr.write(text),
  });
}
