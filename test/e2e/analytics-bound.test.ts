/** The built modules in Miniflare, with a dataset of Analytics Engine bound as the platform's own stand-in is. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { expect, test } from "vitest";
import type { Workerd } from "../../tools/cli/workerd.ts";
import { readPlatformConfig } from "../../tools/cli/wrangler-config.ts";
import { BUNDLE, startFleet } from "../support/fleet.ts";
import { readMetrics } from "../support/metrics-text.ts";

test("with a dataset bound requests are served, counted, and nothing is complained of", async () => {
  const said: string[] = [];
  const fleet = await startFleet({
    endpoints: [{ id: "a", region: "us-east" }],
    pool: { patienceMs: 5_000 },
    runtime: async (bindings) => startMiniflare(bindings, said),
  });
  try {
    for (let nth = 0; nth < 5; nth++) {
      const answer = await fleet.chat({ stream: nth % 2 === 0 });
      await answer.text();
      expect(answer.status).toBe(200);
    }
    const sums = await fleet.until(
      async () => readMetrics(await (await fleet.call("/metrics")).text()).sums("warmpath_requests_total", ["outcome"]),
      (seen) => seen["served"] === 5,
      30_000,
    );
    expect(sums).toEqual({ served: 5 });
    expect(said.filter((line) => line.includes("data point"))).toEqual([]);
  } finally {
    await fleet.close();
  }
});

async function startMiniflare(bindings: Readonly<Record<string, string>>, said: string[]): Promise<Workerd> {
  const { compatibilityDate, compatibilityFlags, durableObjects } = readPlatformConfig();
  const folder = dirname(BUNDLE);
  const names = readdirSync(folder).filter((name) => name.endsWith(".js"));
  const isEntry = (name: string): number => Number(name === "worker.js");
  const options = convertV4MiniflareOptions({
    modules: names
      .toSorted((left, right) => isEntry(right) - isEntry(left))
      .map((path) => ({ type: "ESModule" as const, path, contents: readFileSync(join(folder, path), "utf8") })),
    compatibilityDate,
    compatibilityFlags: [...compatibilityFlags],
    durableObjects: Object.fromEntries(
      durableObjects.map(({ name, className }) => [name, { className, useSQLite: true }]),
    ),
    bindings: { ...bindings },
    analyticsEngineDatasets: { ANALYTICS: { dataset: "warmpath_requests" } },
    handleStructuredLogs: ({ message }) => said.push(message),
  });
  const miniflare = new Miniflare(options);
  const url = await miniflare.ready;
  const exited = Promise.withResolvers<{ readonly code: number | null; readonly signal: null }>();
  const stop = async (): Promise<void> => {
    await miniflare.dispose();
    exited.resolve({ code: 0, signal: null });
  };
  const port = Number(url.port);
  return { url: url.origin, port, pid: 0, exited: exited.promise, output: () => said.join("\n"), stop, kill: stop };
}
