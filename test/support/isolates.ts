/**
 * Raw workerd with the built bundle in three isolates, each on a port of its own, which share one set of Durable Objects:
 * as a deployment is, whose isolates know nothing of each other.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runGuarded } from "../../tools/cli/guard.ts";
import type { Workerd } from "../../tools/cli/workerd.ts";
import { moduleFileName, PART, workerdConfigText } from "../../tools/cli/workerd-config.ts";
import { readPlatformConfig } from "../../tools/cli/wrangler-config.ts";

const NAMES = ["http", "second", "third"] as const;

export type Isolates = Workerd & { readonly urls: readonly string[] };

export async function startIsolates(
  bundlePath: string,
  bindings: Readonly<Record<string, string>>,
  stateDir: string,
  /** Objects that are not bound. */
  without: readonly string[] = [],
): Promise<Isolates> {
  const dir = mkdtempSync(join(tmpdir(), "warmpath-isolates-"));
  mkdirSync(stateDir, { recursive: true });
  const platform = readPlatformConfig();
  copyFileSync(bundlePath, join(dir, moduleFileName));
  const parts = readdirSync(dirname(bundlePath)).filter((name) => PART.test(name));
  for (const part of parts) copyFileSync(join(dirname(bundlePath), part), join(dir, part));
  const one = workerdConfigText({
    ...platform,
    durableObjects: platform.durableObjects.filter(({ name }) => !without.includes(name)),
    parts,
    address: "127.0.0.1:0",
    stateDir,
    bindings,
    services: {},
    keeper: null,
    operators: null,
    assetsDir: null,
  });
  writeFileSync(join(dir, "config.capnp"), tripled(one));
  const { default: path } = createRequire(import.meta.url)("workerd") as { readonly default: string };
  const child = runGuarded(path, ["serve", "--experimental", "--control-fd=3", join(dir, "config.capnp")], dir);
  const exited = child.exited.finally(() => rmSync(dir, { recursive: true, force: true }));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text: Buffer) => (output += text.toString()));
  const ports = await new Promise<ReadonlyMap<string, number>>((resolve, reject) => {
    const found = new Map<string, number>();
    let text = "";
    child.control?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      for (const line of text.split("\n").slice(0, -1)) {
        const { socket, port } = JSON.parse(line) as { socket?: string; port?: number };
        if (socket !== undefined && port !== undefined) found.set(socket, port);
      }
      text = text.slice(text.lastIndexOf("\n") + 1);
      if (NAMES.every((name) => found.has(name))) resolve(found);
    });
    void exited.then(() => reject(new Error(`workerd ended before it listened:\n${output}`)));
  });
  const urls = NAMES.map((name) => `http://127.0.0.1:${ports.get(name)}`);
  const end = async (signal: "SIGTERM" | "SIGKILL"): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  return {
    url: urls[0] ?? "",
    urls,
    port: ports.get("http") ?? 0,
    pid: await child.pid,
    exited,
    output: () => output,
    stop: async () => end("SIGTERM"),
    kill: async () => end("SIGKILL"),
  };
}

/** The Worker three times: the first has the objects, the others reach into its namespaces. */
function tripled(config: string): string {
  const worker = /const mainWorker :Workerd\.Worker = \([^]*$/.exec(config)?.[0] ?? "";
  const others = NAMES.slice(1).map((name) => ({
    name,
    text: worker
      .replace("const mainWorker", `const ${name}Worker`)
      .replaceAll(
        /durableObjectNamespace = ("\w+")/g,
        'durableObjectNamespace = (className = $1, serviceName = "main")',
      )
      .replace(/\n {2}durableObjectNamespaces = [^]*$/, "\n);\n"),
  }));
  return (
    config
      .replace(
        '(name = "main", worker = .mainWorker),',
        [
          '(name = "main", worker = .mainWorker),',
          ...NAMES.slice(1).map((name) => `(name = "${name}", worker = .${name}Worker),`),
        ].join("\n    "),
      )
      .replace(
        /\n {4}\(name = "http", address = [^\n]*/,
        (line) =>
          line +
          NAMES.slice(1)
            .map((name) => line.replace('"http"', `"${name}"`).replace('"main"', `"${name}"`))
            .join(""),
      ) + others.map(({ text }) => `\n${text}`).join("")
  );
}
