/**
 * `npm run test:engines:cut`: real llama.cpp servers with random weights, of which the one that writes is killed (SIGKILL) in the
 * midst of a stream, behind a router with `onCut: "continue"`. Shows that the engine takes the beginning that it is sent: the
 * client has one stream, without an error, of as many tokens as it asked for. Random weights write what no tokenizer cuts the
 * same way twice, so how far the text is that of an undisturbed stream is printed, and not asked for.
 * Where the engines cannot be had it says so and exits 0.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { openaiOf } from "../support/openai.ts";
import { makeModel, PACKAGES, startEngine, toolsIn } from "./engines-start.ts";
import type { Engine } from "./engines-start.ts";

const MODEL = { layers: 8, width: 512 } as const;
const TOKENS = 96;
const KILL_AFTER = [4, 24, 64];
const IDS = ["engine-a", "engine-b", "engine-c"] as const;

type Read = { readonly text: string; readonly ids: number; readonly ends: readonly string[]; readonly tokens: number };

async function read(fleet: Fleet, killAfter: number | null, kill: (id: string) => void): Promise<Read> {
  // Beside what the package knows: the engine writes all of them.
  const beside: object = { ignore_eos: true };
  const { data: chunks, response } = await openaiOf(fleet)
    .chat.completions.create({
      ...beside,
      model: fleet.model,
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: TOKENS,
      temperature: 0,
      messages: [{ role: "user", content: "a b c d" }],
    })
    .withResponse();
  const writer = response.headers.get("x-warmpath-endpoint") ?? "";
  const ids = new Set<string>();
  const ends: string[] = [];
  let [text, events, tokens] = ["", 0, 0];
  for await (const { id, choices, usage } of chunks) {
    ids.add(id);
    tokens = usage?.completion_tokens ?? tokens;
    const [choice] = choices;
    if (choice?.finish_reason) ends.push(choice.finish_reason);
    text += choice?.delta.content ?? "";
    if (choice?.delta.content && ++events === killAfter) kill(writer);
  }
  return { text, ids: ids.size, ends, tokens };
}

async function check(python: string, server: string, folder: string): Promise<string[]> {
  const model = makeModel(python, folder, MODEL);
  const engines = new Map<string, Engine>();
  const problems: string[] = [];
  for (const killAfter of KILL_AFTER) {
    let fleet: Fleet | null = null;
    try {
      for (const id of IDS) engines.set(id, await startEngine(id, { server, model, slots: 1, context: 1_024 }));
      fleet = await startFleet({
        endpoints: IDS.map((id) => ({ id, region: "us-east", config: { url: engines.get(id)?.url } })),
        pool: { onCut: "continue" },
      });
      const uncut = await read(fleet, null, () => undefined);
      const cut = await read(fleet, killAfter, (id) => engines.get(id)?.child.kill("SIGKILL"));
      const same = [...uncut.text].findIndex((char, at) => char !== cut.text[at]);
      console.log(
        `killed after ${killAfter} events: ${cut.tokens} tokens, ${cut.ids} id, ends ${cut.ends.join(", ")}; the text is that of an undisturbed one ${same === -1 ? "to its end" : `for ${same} of ${uncut.text.length} characters`}`,
      );
      if (cut.ids !== 1 || cut.ends.length !== 1) problems.push(`killed after ${killAfter}: more than one answer`);
    } catch (error) {
      problems.push(`killed after ${killAfter}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      await fleet?.close();
      for (const { child } of engines.values()) child.kill("SIGKILL");
    }
  }
  return problems;
}

const folder = mkdtempSync(join(tmpdir(), "warmpath-engines-"));
try {
  const tools = toolsIn(folder);
  if (tools === null) console.log(`skipped: Python with the packages ${PACKAGES.join(" and ")} cannot be had here`);
  else {
    const problems = await check(tools.python, tools.server, folder);
    for (const problem of problems) console.log(`FAIL ${problem}`);
    if (problems.length > 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
