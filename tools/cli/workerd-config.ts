/**
 * Writes workerd's config (Cap'n Proto text) for one Worker with its Durable Objects on one socket. Pure: the caller
 * puts the text and the module into one folder.
 *
 * Source: the schema that comes with the npm package, `node_modules/workerd/workerd.capnp`.
 */
import type { DurableObjectBinding } from "./wrangler-config.ts";

/** The module's file name beside the config. */
export const moduleFileName = "worker.js";

/** Names of the modules beside it, which are loaded when they are needed. */
export const PART = /^part-[A-Z0-9]+\.js$/;

export type WorkerdConfig = {
  /** `host:port`; port 0 lets the system choose. */
  readonly address: string;
  /** File names of further modules beside the config. */
  readonly parts: readonly string[];
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly durableObjects: readonly DurableObjectBinding[];
  /** Absolute path of an existing folder for the objects' SQLite files. */
  readonly stateDir: string;
  /** Where this Worker's entrypoint for its keeper listens; null: nowhere. */
  readonly keeper: { readonly address: string; readonly entrypoint: string } | null;
  /** Where operators come in, apart from everybody; null: by the same door. */
  readonly operators: { readonly address: string; readonly entrypoint: string } | null;
  /** Services of other processes, by the name of their binding: where each listens. */
  readonly services: Readonly<Record<string, string>>;
  /** Absolute path of the folder that is bound as ASSETS; null: none is. */
  readonly assetsDir: string | null;
  /** Text bindings. */
  readonly bindings: Readonly<Record<string, string>>;
  /** Where further isolates of the same Worker listen, which share the first one's objects; absent: there are none. */
  readonly siblings?: readonly string[];
};

export function workerdConfigText(config: WorkerdConfig): string {
  const hasObjects = config.durableObjects.length > 0;
  // Not workerd's `inMemory` storage, because it has no SQL.
  const disk = hasObjects ? `\n    (name = "state", disk = (path = ${text(config.stateDir)}, writable = true)),` : "";
  // Model servers usually have private addresses, and on a laptop loopback ones; workerd's default is public only.
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .mainWorker),${siblingServices(config)}
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),${disk}${assetsLine(config)}${serviceLines(config)}
  ],
  sockets = [${keeperLine(config)}${operatorsLine(config)}${siblingSockets(config)}
    (name = "http", address = ${text(config.address)}, http = (), service = "main"),
  ],
);

const mainWorker :Workerd.Worker = (${workerLines(config, "")}${hasObjects ? objectLines(config) : ""}
);
${(config.siblings ?? []).length === 0 ? "" : `\nconst siblingWorker :Workerd.Worker = (${workerLines(config, "main")}\n);\n`}`;
}

/** `objectsOf`: the service whose objects it uses; empty: its own. */
const workerLines = (config: WorkerdConfig, objectsOf: string): string => `
  modules = [${[moduleFileName, ...config.parts].map(moduleLine).join(", ")}],
  compatibilityDate = ${text(config.compatibilityDate)},
  compatibilityFlags = [${config.compatibilityFlags.map(text).join(", ")}],
  bindings = [${bindingLines(config, objectsOf).join("")}
  ],`;

const siblingName = (index: number): string => `sibling-${index}`;

const siblingServices = ({ siblings = [] }: WorkerdConfig): string =>
  siblings.map((_, index) => `\n    (name = ${text(siblingName(index))}, worker = .siblingWorker),`).join("");

const siblingSockets = ({ siblings = [] }: WorkerdConfig): string =>
  siblings
    .map((address, index) => {
      const name = text(siblingName(index));
      return `\n    (name = ${name}, address = ${text(address)}, http = (), service = ${name}),`;
    })
    .join("");

/** Before the other, so that it listens when the port is reported. */
const keeperLine = ({ keeper }: WorkerdConfig): string =>
  keeper === null
    ? ""
    : `
    (name = "keeper", address = ${text(keeper.address)}, http = (),
     service = (name = "main", entrypoint = ${text(keeper.entrypoint)})),`;

const operatorsLine = ({ operators }: WorkerdConfig): string =>
  operators === null
    ? ""
    : `
    (name = "operators", address = ${text(operators.address)}, http = (),
     service = (name = "main", entrypoint = ${text(operators.entrypoint)})),`;

const moduleLine = (name: string): string => `(name = ${text(name)}, esModule = embed ${text(name)})`;

/** Read only, and each file is read when it is asked for. */
const assetsLine = ({ assetsDir }: WorkerdConfig): string =>
  assetsDir === null ? "" : `\n    (name = "assets", disk = (path = ${text(assetsDir)})),`;

const serviceLines = ({ services }: WorkerdConfig): string =>
  Object.entries(services)
    .map(([name, address]) => `\n    (name = ${text(name)}, external = (address = ${text(address)}, http = ())),`)
    .join("");

function bindingLines(config: WorkerdConfig, objectsOf: string): readonly string[] {
  const texts = Object.entries(config.bindings).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`);
  const objects = config.durableObjects.map(
    ({ name, className }) => `(name = ${text(name)}, durableObjectNamespace = ${namespaceOf(className, objectsOf)})`,
  );
  const services = Object.keys(config.services).map((name) => `(name = ${text(name)}, service = ${text(name)})`);
  const assets = config.assetsDir === null ? [] : [`(name = "ASSETS", service = "assets")`];
  return [...texts, ...objects, ...services, ...assets].map((line) => `\n    ${line},`);
}

const namespaceOf = (className: string, objectsOf: string): string =>
  objectsOf === "" ? text(className) : `(className = ${text(className)}, serviceName = ${text(objectsOf)})`;

function objectLines(config: WorkerdConfig): string {
  // The unique key is part of every object's id: another key orphans all stored state, so it never changes.
  const namespaces = config.durableObjects.map(
    ({ className }) =>
      `(className = ${text(className)}, uniqueKey = ${text(`warmpath-${className}`)}, enableSql = true)`,
  );
  return `\n  durableObjectNamespaces = [${namespaces.join(", ")}],\n  durableObjectStorage = (localDisk = "state"),`;
}

/** A Cap'n Proto text literal. It has no \\u escape, so only control characters, quotes and backslashes are escaped. */
function text(value: string): string {
  const escaped = value.replace(/["\\]|(?=\p{ASCII})\p{Cc}/gu, (char) =>
    char === '"' || char === "\\" ? `\\${char}` : `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${escaped}"`;
}
