/**
 * The page "Self-host and operate", executed: its config and its commands, against two servers that speak the OpenAI
 * API.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DRAIN_GRACE_MS_MAX } from "../../src/config/config-bounds.ts";
import { makeCheckout } from "../support/checkout.ts";
import type { Checkout } from "../support/checkout.ts";
import { startModelServer } from "../support/model-server.ts";
import type { ModelServer } from "../support/model-server.ts";
import { readPage, shell, terminal } from "../support/terminal.ts";
import { freePort } from "../support/free-port.ts";

const page = readPage("docs/how-to/self-host.md");

let checkout: Checkout;
let models: readonly ModelServer[];
let port: number;
/** As the newcomer's shell has them. */
const env: Record<string, string> = {};

beforeAll(async () => {
  checkout = await makeCheckout("all");
  models = await Promise.all([startModelServer({ holds: true }), startModelServer({ holds: true })]);
  port = await freePort();
});
afterAll(async () => {
  await checkout.remove();
  await Promise.all(models.map(async (model) => model.close()));
});

/** As on the page, on ports that are free here. */
const here = (text: string): string =>
  text
    .replaceAll("8787", String(port))
    .replaceAll(":8001", `:${models[0]?.port}`)
    .replaceAll(":8002", `:${models[1]?.port}`);

const place = () => ({ cwd: checkout.dir, env: { ...process.env, INIT_CWD: checkout.dir, ...env } });
const opened = (command: string) => terminal(place(), here(command));
const typed = async (commands: string) => shell(place(), here(commands));

describe("the page", () => {
  test("leads from a config to a first answer, and to an end that loses no stream", async () => {
    writeFileSync(join(checkout.dir, "my.jsonc"), here(page.block("jsonc config my.jsonc")));
    const made = await typed(`${page.block("sh run key")}\nprintf '%s\\n' "$WARMPATH_KEY_PEPPER" "$WARMPATH_KEY"`);
    const [pepper = "", key = ""] = made.stdout.trim().split("\n");
    Object.assign(env, { WARMPATH_KEY_PEPPER: pepper, WARMPATH_KEY: key });
    const entry = /^\s*(\{"id".*\})$/m.exec(made.stderr)?.[1] ?? "";
    const config = readFileSync(join(checkout.dir, "my.jsonc"), "utf8");
    writeFileSync(join(checkout.dir, "my.jsonc"), config.replace(`"keys": []`, `"keys": [${entry}]`));

    const router = opened(page.block("sh run serve"));
    await router.says(/Ctrl-C stops it/);
    for (const id of ["gpu-1", "gpu-2"]) expect(await router.says(new RegExp(`^ {2}${id} .*$`, "m"))).toMatch(/ready/);

    const asking = typed(page.block("sh run ask"));
    while (models.every((model) => model.open() === 0)) await new Promise((settle) => setTimeout(settle, 20));
    for (const model of models) model.goOn();
    const { choices } = JSON.parse((await asking).stdout) as { choices: { message: { content: string } }[] };
    expect(choices[0]?.message.content).toBe("warm path");

    const stream = opened(page.block("sh run stream"));
    await stream.says(/"content":"warm"/);
    await typed(page.block("sh run stop"));
    await router.says(/nothing new is taken/);
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(503);
    for (const model of models) model.goOn();
    expect(await stream.code).toBe(0);
    expect(stream.output()).toMatch(/"content":" path"[\s\S]*"finish_reason":"stop"[\s\S]*data: \[DONE\]\s*$/);
    expect(await router.code).toBe(0);

    await typed(page.block("sh run backup"));
    expect(existsSync(join(checkout.dir, "my-state.backup/serve.lock"))).toBe(true);
  });

  test("shows a config that every default of its reader accepts, and options that there are", async () => {
    const { parseConfig } = await import("../../src/config/config-parse.ts");
    expect(parseConfig(page.block("jsonc config my.jsonc")).ok).toBe(true);
    const { parseServeArgs } = await import("../../tools/cli/serve.ts");
    const [, args = ""] = /serve\.ts (.*)$/m.exec(page.block("ini")) ?? [];
    expect(parseServeArgs(args.split(" "), "/")).toMatchObject({ ok: true, value: { stateDir: "/var/lib/warmpath" } });
  });

  test("shows a unit that lets the router end: its signal to the main process alone, and time for the drain", () => {
    const unit = page.block("ini");
    expect(unit).toMatch(/^KillMode=mixed$/m);
    const stopMs = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]) * 1_000;
    const drainMs = Number(/`--drain-ms` \(default (\d+)/.exec(page.text)?.[1]);
    expect(drainMs).toBeLessThan(stopMs);
    expect(drainMs).toBeLessThanOrEqual(DRAIN_GRACE_MS_MAX);
  });
});
