/**
 * Four ways to run tests: "unit" on Node, "objects" inside the Workers runtime, "e2e" against the built bundle on raw
 * workerd, and "browser" with Chromium against that (`npm run build` comes first for both).
 */
import { readFileSync } from "node:fs";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { readPlatformConfig } from "./tools/cli/wrangler-config.ts";

const platform = readPlatformConfig();

/** The Worker imports its default config as text; the bundler has a loader for that, Vite needs this. */
const jsoncAsText = {
  name: "jsonc-as-text",
  enforce: "pre" as const,
  load(id: string): string | undefined {
    return id.endsWith(".jsonc") ? `export default ${JSON.stringify(readFileSync(id, "utf8"))}` : undefined;
  },
};

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [jsoncAsText],
        test: {
          name: "unit",
          // Tests wait for work, and a busy machine takes its time: a limit only ends what will never end.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          include: [
            "test/{lib,access,routing,rails,jobs,config,wire,dispatch,gateway,sight,tenants,translate,files}/**/*.test.ts",
            "test/{backends,tools,repo,dashboard}/**/*.test.ts",
          ],
        },
      },
      {
        plugins: [
          jsoncAsText,
          // Not `wrangler.configPath`: wrangler.toml names the built bundle, and here the sources are under test.
          cloudflareTest({
            main: "./src/worker.ts",
            remoteBindings: false,
            miniflare: {
              compatibilityDate: platform.compatibilityDate,
              compatibilityFlags: [...platform.compatibilityFlags],
              durableObjects: Object.fromEntries(
                platform.durableObjects.map(({ name, className }) => [name, { className, useSQLite: true }]),
              ),
              // Under a name that nothing of the router reads: a test hands it in.
              r2Buckets: ["BUCKET_OF_TESTS"],
              bindings: {
                WARMPATH_DEV: "1",
                WARMPATH_KEY_PEPPER: "pepper-of-the-tests",
                WARMPATH_WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                OWN_WEBHOOK_SECRET: "whsec_b3duIHNlY3JldCBvZiBvbmUgdGVuYW50IQ==",
                OWN_WEBHOOK_SECRET_OLD: "whsec_b2xkIHNlY3JldCBvZiBvbmUgdGVuYW50IQ==",
                WARMPATH_CONFIG: readFileSync(new URL("./test/objects/fixture.jsonc", import.meta.url), "utf8"),
              },
            },
          }),
        ],
        test: {
          name: "objects",
          include: ["test/objects/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          // Each file runs its own workerd and GPU servers: more than two at once and they wait for each other.
          maxWorkers: 2,
          // Real processes on a shared machine: see CONTRIBUTING.md.
          retry: process.env["CI"] === undefined ? 0 : 1,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          globalSetup: ["test/browser/setup.ts"],
          expect: { poll: { timeout: 60_000, interval: 20 } },
          // A browser, a workerd and GPU servers each.
          maxWorkers: 1,
          retry: process.env["CI"] === undefined ? 0 : 1,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
