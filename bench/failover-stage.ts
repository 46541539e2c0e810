/**
 * The router of one row: the shipped `serve` on raw workerd, with a pool for each scenario, and defaults everywhere.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatKey, keyHmac, toHex } from "../src/wire/api-keys.ts";
import type { Router } from "./failover-clients.ts";
import { HEALTHY_MODEL, modelOf, SCENARIOS } from "./failover-scenarios.ts";
import type { Wall } from "./failover-wall.ts";

/** It bundles first; a slower start means a wrong setup, ms. */
const START_MS_MAX = 60_000;
const READY_MS_MAX = 15_000;
const RETRY_MS = 50;
/** Of the router's own output, the end is kept for a failure's sake. */
const OUTPUT_CHARS_MAX = 16_384;

/** Two regions as far apart as the wall's second endpoint is slower, and a client in the first. */
const REGIONS = {
  "us-east": { lat: 39.0, lon: -77.5, hint: "enam" },
  "us-southwest": { lat: 33.4, lon: -112.0, hint: "wnam" },
};

export type Stage = { readonly router: Router; output(): string; close(): Promise<void> };

function configText(wall: Wall, hmac: string): string {
  const pool = (model: string) => {
    const endpoint = (id: string, region: string, url: string) => {
      return { id: `${model}-${id}`, region, url, backend: "openai", concurrencyPerWorker: 16 };
    };
    const endpoints = [endpoint("first", "us-east", wall.firstUrl), endpoint("second", "us-southwest", wall.secondUrl)];
    return [model, { endpoints }] as const;
  };
  const pools = Object.fromEntries([HEALTHY_MODEL, ...SCENARIOS.map(modelOf)].map(pool));
  return JSON.stringify({ regions: REGIONS, keys: [{ id: "bench", tenant: "bench", hmac }], pools });
}

/** Resolves once a healthy request was served. */
export async function startStage(wall: Wall): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "warmpath-failover-"));
  const pepper = randomBytes(24).toString("base64");
  const key = formatKey("bench", randomBytes(32));
  const config = join(folder, "warmpath.jsonc");
  writeFileSync(config, configText(wall, toHex(await keyHmac(key, pepper))));
  const args = ["--port", "0", "--config", config, "--state", join(folder, "state"), "--dev"];
  const child = spawn(process.execPath, [join(import.meta.dirname, "../tools/cli/serve.ts"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, WARMPATH_KEY_PEPPER: pepper },
  });
  let output = "";
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await gone;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const listening = new Promise<string>((resolve, reject) => {
    const failed = () => reject(new Error(`the router did not start:\n${output}`));
    const timer = setTimeout(failed, START_MS_MAX);
    child.once("exit", failed);
    const read = (text: Buffer) => {
      output = (output + text.toString()).slice(-OUTPUT_CHARS_MAX);
      const url = /listens on (http:\S+)/.exec(output)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
  });
  try {
    const url = await listening;
    const router = { url, key, headers: { "x-warmpath-place": "us-east" } };
    await untilServed(router);
    return { router, output: () => output, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function untilServed({ url, key, headers }: Router): Promise<void> {
  const giveUpAtMs = performance.now() + READY_MS_MAX;
  for (;;) {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      body: JSON.stringify({ model: HEALTHY_MODEL, messages: [{ role: "user", content: "ready?" }] }),
    });
    const text = await response.text();
    if (response.ok) return;
    if (performance.now() > giveUpAtMs) throw new Error(`the router answers ${response.status}: ${text}`);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}
