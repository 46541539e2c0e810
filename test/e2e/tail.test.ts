/** `npm run tail` against a live router: every request that ends, once, with why its attempts failed; what the log has of them is the same. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RequestRecord } from "../../src/sight/core/record.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { terminal } from "../support/terminal.ts";
import type { Terminal } from "../support/terminal.ts";

const ROOT = join(import.meta.dirname, "../..");

let fleet: Fleet;
/** In front of the router, so that it can be away. */
let door: Server;
let isAway = false;
let folder: string;
const open: Terminal[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "warmpath-tail-"));
  fleet = await startFleet({
    endpoints: [
      { id: "us-a", region: "us-east" },
      { id: "eu-a", region: "eu-west" },
    ],
    pool: { patienceMs: 5_000 },
    config: { sight: { logServed: 1 } },
  });
  door = createServer((request, response) => {
    if (isAway) return void request.socket.destroy();
    const headers = { authorization: request.headers.authorization ?? "" };
    void fetch(fleet.router.url + (request.url ?? ""), { headers }).then(async (answer) =>
      response.writeHead(answer.status).end(await answer.text()),
    );
  });
  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  for (const one of open) one.signal("SIGTERM");
  await fleet.close();
  door.closeAllConnections();
  door.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The command as it is typed; its data go to a file, its words to the terminal. */
function tail(options: string, name: string, key = fleet.key) {
  const url = `http://127.0.0.1:${(door.address() as AddressInfo).port}`;
  const file = join(folder, name);
  const one = terminal(
    { cwd: ROOT, env: { ...process.env, WARMPATH_KEY: key } },
    `npm run -s tail -- --url ${url} ${options} >${file}`,
  );
  open.push(one);
  return { terminal: one, lines: () => readFileSync(file, "utf8").trim().split("\n").filter(Boolean) };
}

async function chat(model?: string): Promise<string> {
  const body = { model: model ?? fleet.model, max_tokens: 3, messages: [{ role: "user", content: "x" }] };
  const headers = { "content-type": "application/json" };
  const answer = await fleet.call("/v1/chat/completions", {
    method: "POST",
    headers,
    body: JSON.stringify(body),
    place: "us-east",
  });
  await answer.text();
  return answer.headers.get("x-request-id") ?? "";
}

const linesOnce = async (one: { lines: () => string[] }, wanted: string): Promise<string[]> =>
  fleet.until(
    async () => one.lines(),
    (lines) => lines.some((line) => line.includes(wanted)),
    60_000,
  );

test("each request is a record once, filters choose, and the log has the same record", async () => {
  const all = tail("--json", "all");
  const refused = tail("--outcome refused", "refused");
  const first = await chat();
  await linesOnce(all, first);
  fleet.simulator("us-a").setFault({ kind: "status", status: 500, times: 1 });
  const moved = await chat();
  const unknown = await chat("no such model");
  const lines = await linesOnce(all, unknown);
  const records = lines.map((line) => JSON.parse(line) as RequestRecord);
  const ids = records.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual(expect.arrayContaining([first, moved, unknown]));
  const record = records.find(({ id }) => id === moved);
  expect(record?.attempts).toMatchObject([{ endpoint: "us-a", lost: "server_error" }, { lost: null }]);

  expect(await linesOnce(refused, "refused")).toEqual([
    expect.stringContaining("404 refused (unknown_model) /v1/chat/completions tests no endpoint"),
  ]);
  const logged =
    fleet.router
      .output()
      .split("\n")
      .find((line) => line.includes(`"id":"${moved}"`)) ?? "";
  const { event, ...told } = JSON.parse(logged.slice(logged.indexOf("{"))) as { event: string };
  expect(event).toBe("request");
  // What was not known is left out of a line, and who watches is also told the candidates of a few.
  const { candidates: _, ...rest } = record ?? {};
  expect(told).toEqual(JSON.parse(JSON.stringify(rest, (__, value: unknown) => value ?? undefined)));
}, 120_000);

test("a router that is away is waited for; a key that is not good ends it, and says so", async () => {
  const all = tail("--json", "away");
  await linesOnce(all, await chat());
  isAway = true;
  await all.terminal.says(/does not answer: asking on/);
  isAway = false;
  await all.terminal.says(/answers again/);
  await linesOnce(all, await chat());
  const wrong = tail("", "wrong", "wp_nobody");
  await wrong.terminal.says(/answered 401/);
  expect(await wrong.terminal.code).toBe(1);
  expect(wrong.lines()).toEqual([]);
}, 120_000);
