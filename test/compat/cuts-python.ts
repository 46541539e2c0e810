/**
 * `node test/compat/cuts-python.ts`: what the real Python packages `openai` and `anthropic`, unmodified, report of
 * streams that break off anywhere, against the built bundle on raw workerd. Where Python or the packages cannot be had
 * it says so and exits 0: the package for Node is in `test/e2e/no-answer.test.ts`.
 *
 * The interpreter is WARMPATH_PYTHON, or python3; without the packages a virtual environment is made for the run.
 */
import { deepStrictEqual } from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startFleet } from "../support/fleet.ts";
import { pythonWith } from "../support/python.ts";
import { startSpeaker } from "../support/speaker.ts";
import type { Speaker, Speech } from "../support/speaker.ts";

const CLIENT_MS_MAX = 120_000;

const chunk = (delta: unknown, finish: string | null = null) =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const named = (type: string, more: object = {}) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;

const CHAT = chunk({ role: "assistant", content: "" }) + chunk({ content: "Hello " }) + chunk({ content: "wörld" });
const message = { id: "m", type: "message", role: "assistant", model: "m", content: [], stop_reason: null };
const MESSAGE =
  named("message_start", { message: { ...message, usage: { input_tokens: 1, output_tokens: 1 } } }) +
  named("content_block_start", { index: 0, content_block: { type: "text", text: "" } }) +
  named("content_block_delta", { index: 0, delta: { type: "text_delta", text: "Hello " } }) +
  named("content_block_delta", { index: 0, delta: { type: "text_delta", text: "wörld" } });
const STOP = named("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 2 } });

type Case = { readonly speech: Speech; readonly ended: string };

/** Cut at every seventh byte of the last two events, the middle of a character included, and at each boundary. */
function cutsOf(kind: string, whole: string, tail: string): [string, Case][] {
  const bytes = Buffer.from(whole);
  const from = bytes.length - Math.min(bytes.length, 260);
  const places = Array.from({ length: Math.ceil((bytes.length - from) / 7) }, (_, at) => bytes.length - 7 * at);
  const cut = (at: number): [string, Case] => [
    `${kind} ${at}`,
    { speech: { pieces: [bytes.subarray(0, at)], ending: at % 2 === 0 ? "reset" : "end" }, ended: "APIError" },
  ];
  const ended: Case = {
    speech: { pieces: [whole + tail], ending: "reset" },
    ended: kind === "chat" ? "clean" : "end_turn",
  };
  return [...places.map(cut), [`${kind} after its end`, ended]];
}

async function check(python: string, speaker: Speaker): Promise<void> {
  const cases = new Map([...cutsOf("chat", CHAT, chunk({}, "stop")), ...cutsOf("messages", MESSAGE, STOP)]);
  for (const [name, { speech }] of cases) speaker.say(name, speech);
  const endpoint = { id: "only", region: "us-east", backend: "openai", url: speaker.url };
  const fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    morePools: { only: { models: ["only"], endpoints: [endpoint] } },
  });
  const script = join(import.meta.dirname, "cuts.py");
  const client = spawn(python, [script, fleet.router.url, fleet.key, JSON.stringify([...cases.keys()])], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: CLIENT_MS_MAX,
  });
  let output = "";
  client.stdout.on("data", (text: Buffer) => (output += text.toString()));
  await new Promise((resolve) => client.once("close", resolve));
  await fleet.close();
  const seen = output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { name: string; ended: string });
  const expected = [...cases].map(([name, { ended }]) => ({ name, ended }));
  deepStrictEqual(
    seen.map(({ name, ended }) => ({ name, ended })),
    expected,
  );
  console.log(`${seen.length} streams that broke off: as an API error each, and whole after the model's own end`);
}

const folder = mkdtempSync(join(tmpdir(), "warmpath-cuts-"));
try {
  const python = pythonWith(folder, { modules: "openai, anthropic", packages: ["openai", "anthropic"] });
  if (python === null) console.log("skipped: no Python with the packages openai and anthropic can be had here");
  else {
    const speaker = await startSpeaker();
    await check(python, speaker).finally(() => speaker.close());
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
