/**
 * Decides the first config of a fleet from what its servers said: one pool for the servers that serve the same models, with
 * what is known and nothing else, so that every default stays the router's own.
 */
import type { BackendKind } from "../../../src/config/config.ts";
import type { ServerFound } from "./server-kind.ts";

export type DraftServer = ServerFound & {
  /** Name of the environment variable with its key; null: it wants none. */
  readonly keyEnv: string | null;
  /** The name that clients use where it is not the server's own; null: the same. */
  readonly alias: string | null;
};

export type Place = { readonly lat: number; readonly lon: number };

export type Draft = {
  readonly text: string;
  /** What a person should know of it. */
  readonly notes: readonly string[];
  readonly models: readonly string[];
};

type Group = { readonly models: readonly string[]; readonly servers: DraftServer[] };

/** Adapters of the engines that a probe may tell. */
const KINDS: Readonly<Record<string, BackendKind>> = {
  vLLM: "vllm",
  SGLang: "sglang",
  "llama.cpp": "llamacpp",
  Ollama: "ollama",
};

const POOL_ID_CHARS_MAX = 64;
const MODELS_MAX = 32;

/** `keyEntry`: for `keys`, as `warmpath key` prints it. `model`: of servers that did not say theirs. */
export function draftConfig(
  servers: readonly DraftServer[],
  keyEntry: object,
  { place, model }: { readonly place: Place; readonly model: string },
): Draft {
  const groups = groupsOf(servers, model);
  const notes = servers.filter(({ state }) => state !== "ready").map(({ url, said }) => `${url} ${said}`);
  const taken = new Set<string>();
  const pools = groups.map(({ models, servers: members }) => {
    const free = models.filter((name) => !taken.has(name));
    if (free.length < models.length)
      notes.push(`${models.filter((name) => taken.has(name)).join(", ")}: served by two pools, kept in the first`);
    for (const name of free) taken.add(name);
    return { models: free.slice(0, MODELS_MAX), members };
  });
  const named = pools.filter(({ models }) => models.length > 0);
  const ids = uniqueIds(named.map(({ models }) => models[0] ?? "pool"));
  let number = 0;
  const written = named.map(({ models, members }, index) => {
    const endpoints = members.map((server) => endpointText(server, `gpu-${(number += 1)}`, models));
    const modelsText =
      models.length === 1 && models[0] === ids[index] ? "" : `      "models": ${JSON.stringify(models)},\n`;
    return `    ${JSON.stringify(ids[index])}: {\n${modelsText}      "endpoints": [\n${endpoints.join("")}      ],\n    },\n`;
  });
  return { text: fileText(place, keyEntry, written.join("")), notes, models: named.flatMap(({ models }) => models) };
}

function groupsOf(servers: readonly DraftServer[], model: string): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const server of servers) {
    const models = server.alias !== null ? [server.alias] : server.models.length > 0 ? server.models : [model];
    const key = JSON.stringify([...models].toSorted());
    const group = groups.get(key) ?? { models, servers: [] };
    groups.set(key, group);
    group.servers.push(server);
  }
  return [...groups.values()];
}

function endpointText(server: DraftServer, id: string, names: readonly string[]): string {
  const { url, backend, keyEnv, slots, engine, models, alias } = server;
  const [own] = models;
  const members = {
    id,
    region: "home",
    backend: KINDS[engine ?? ""] ?? backend,
    url,
    // One name there, another for clients: it is sent in its place.
    ...(alias !== null && own !== undefined && models.length === 1 && !names.includes(own) ? { model: own } : {}),
    ...(keyEnv === null ? {} : { auth: { secret: keyEnv } }),
    ...(slots === null ? {} : { concurrencyPerWorker: slots }),
  };
  const inner = Object.entries(members).map(([name, value]) => `${JSON.stringify(name)}: ${spaced(value)}`);
  return `        { ${inner.join(", ")} },\n`;
}

const spaced = (value: unknown): string =>
  typeof value === "object" && value !== null
    ? `{ ${Object.entries(value)
        .map(([name, one]) => `${JSON.stringify(name)}: ${JSON.stringify(one)}`)
        .join(", ")} }`
    : JSON.stringify(value);

/** Pool ids: they appear in paths and headers. */
function uniqueIds(names: readonly string[]): readonly string[] {
  const ids: string[] = [];
  for (const name of names) {
    const base = poolId(name);
    let id = base;
    for (let count = 2; ids.includes(id); count += 1) id = `${base}-${count}`;
    ids.push(id);
  }
  return ids;
}

export function poolId(model: string): string {
  const last = model.toLowerCase().split("/").at(-1) ?? "";
  const id = last.replaceAll(/[^a-z0-9._-]+/g, "-").replaceAll(/^[^a-z0-9]+/g, "");
  return id === "" ? "model" : id.slice(0, POOL_ID_CHARS_MAX - 4);
}

const fileText = (
  { lat, lon }: Place,
  keyEntry: object,
  pools: string,
): string => `// What the router serves. "warmpath check" says what is wrong with it, "warmpath doctor" what is unwise.
// Secrets are variables of the environment, here those of .env, and are named in this file, never written in it.
{
  // Where your GPUs are, roughly. "hint" matters on Cloudflare only.
  "regions": { "home": { "lat": ${lat}, "lon": ${lon}, "hint": "${lon < -30 ? "enam" : lon < 60 ? "weur" : "apac"}" } },

  // Who may call, by hashes of their keys. "warmpath key" prints another entry.
  "keys": [
    ${JSON.stringify(keyEntry)},
  ],

  // Clients choose a pool by the name that they send as "model".
  "pools": {
${pools}  },
}
`;
