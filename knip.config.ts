/**
 * What `knip` takes for a beginning, so that nothing stays in the tree that nobody uses. It runs twice in
 * `npm run check`: once over everything, tests included, for files, packages and exports without any user; and once
 * over what runs without tests (`--production`, the entries with "!"), for what only tests keep alive. There an export
 * that its own file uses is left alone: a test may read the name of a bound.
 */
import { readFileSync } from "node:fs";
import type { KnipConfig } from "knip";

const { scripts } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
};
const commands = Object.values(scripts).flatMap((script) => script.match(/[\w/-]+\.ts/g) ?? []);

export default ({ production = false }: { readonly production?: boolean }): KnipConfig => ({
  entry: [
    "src/worker.ts!",
    // The page that `tools/cli/build-dashboard.ts` bundles.
    "dashboard/main.tsx!",
    ...(production ? commands.map((file) => `${file}!`) : []),
    // The command of the package.
    "bin/*.mjs!",
    "tools/cli/warmpath.ts!",
    // Started as programs of their own, by path.
    "backends/gpu-simulator/main.ts!",
    "bench/{mock,stream}-endpoint.ts!",
    "bench/sight-worker.ts!",
    "tools/demo/demo-leash.ts!",
    // Loaded by name in place of a module of the core (report/ablation/ablation.ts).
    "tools/sim/report/ablation/stand-ins/*.ts!",
    // The planted bugs of the simulator: tests plant them, or start the program that does.
    "tools/sim/production/sabotage.ts!",
    "tools/sim/report/planted.ts!",
    "tools/sim/report/planted-policy.ts!",
    "test/**/*.test.ts",
    // Started by hand, against packages of Python.
    "test/compat/*-python.ts",
    // A GPU server that is killed.
    "test/support/socket-endpoint.ts",
    // Built or bound into the runtime under test, by path.
    "test/objects/{broken-shard,far-places,throwing-alarms}.ts",
  ],
  project: [
    "bin/*.mjs!",
    "{src,backends,tools,bench}/**/*.ts!",
    "compat/*.ts!",
    "dashboard/**/*.{ts,tsx}!",
    "test/**/*.ts",
    "*.config.ts",
  ],
  // All are started as programs: by `check.ts`, by `tools/cli/workerd.ts`, and by the test of the OpenAPI document.
  ignoreDependencies: ["oxlint", "workerd", "@redocly/cli"],
  // Of Linux: a benchmark pins processes to cores where it is there; Prometheus, which judges metrics where it is; and what
  // makes a certificate for clients that speak TLS alone.
  ignoreBinaries: ["taskset", "promtool", "prometheus", "openssl", "nginx", "caddy"],
  // Two names for one number, such as the lowest priority and the last, may mean two things.
  exclude: ["duplicates"],
  ignoreExportsUsedInFile: production,
});
