/**
 * `npm run check`: everything that can be known about the code without running it. One line per check, and the tool's
 * full output only for a check that failed. All run, so that one round shows every problem.
 */
import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";

const root = join(import.meta.dirname, "../..");
const bin = join(root, "node_modules/.bin");

type Check = { readonly name: string; readonly command: string; readonly args: readonly string[] };

const checks: readonly Check[] = [
  { name: "format", command: "oxfmt", args: ["--check"] },
  { name: "lint", command: "oxlint", args: ["--deny-warnings"] },
  { name: "types: core is pure", command: "tsc", args: ["-p", "tsconfig.core.json"] },
  { name: "types: Worker", command: "tsc", args: ["-p", "tsconfig.worker.json"] },
  { name: "types: dashboard", command: "tsc", args: ["-p", "dashboard"] },
  { name: "types: Node", command: "tsc", args: ["-p", "tsconfig.json"] },
  { name: "nothing is unused", command: "knip", args: ["--no-progress"] },
  {
    name: "nothing is there for tests alone",
    command: "knip",
    args: ["--no-progress", "--production", "--include", "files,exports,types"],
  },
  { name: "config schema is current", command: "node", args: ["tools/cli/schema.ts", "--check"] },
  { name: "reference is current", command: "node", args: ["tools/reference/main.ts", "--check"] },
  { name: "tables of rails are current", command: "node", args: ["tools/tables/main.ts", "--check"] },
  { name: "repository rules", command: "node", args: ["test/repo/tree.ts"] },
];

type Finding = { readonly passed: boolean; readonly output: string; readonly tookMs: number };

function run(check: Check): Promise<Finding> {
  const startedAtMs = performance.now();
  const path = `${bin}${delimiter}${process.env["PATH"] ?? ""}`;
  const child = spawn(check.command, check.args, { cwd: root, env: { ...process.env, PATH: path } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => (output += text));
  }
  return new Promise((settle) => {
    const finish = (passed: boolean) => settle({ passed, output, tookMs: performance.now() - startedAtMs });
    child.once("error", (error) => {
      output += error.message;
      finish(false);
    });
    child.once("close", (code) => finish(code === 0));
  });
}

// One after the other: each of these tools uses every core by itself.
let failures = 0;
for (const check of checks) {
  const { passed, output, tookMs } = await run(check);
  console.log(`${passed ? "ok  " : "FAIL"} ${check.name} (${(tookMs / 1000).toFixed(1)} s)`);
  if (passed) continue;
  failures += 1;
  console.log(output.trimEnd());
}
if (failures > 0) {
  console.log(`${failures} of ${checks.length} checks failed`);
  process.exitCode = 1;
}
