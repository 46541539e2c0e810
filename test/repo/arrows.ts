/**
 * Who may import whom: the rooms of the house by rank, as data. A file may import its own room and every room of a
 * lower rank; never one of its own rank, never one above. Types count: a room that needs the type of a higher one has a
 * part of it inside. `tools/`, `bench/` and `test/` are free, except that nothing imports them from below; the
 * simulator (`tools/sim`) is held to what it proves.
 */
import type { Import, SourceFile } from "./imports.ts";

export type Room = {
  /** A folder, ending in `/`, or one file. The longest match decides. */
  readonly room: string;
  /** Packages (`zod` also covers `zod/mini`), schemes (`node:`) and single files. */
  readonly packages?: readonly string[];
};

const WORKERS = "cloudflare:workers";

/** What the simulator drives. */
const SIMULATED = [
  "src/lib/",
  "src/routing/core/",
  "src/routing/host/",
  "src/dispatch/",
  "backends/gpu-engine/",
] as const;

/** How a JSONC file is read, checked, and complained of. */
const READERS = ["check", "finding", "parse", "read"].map((part) => `src/config/config-${part}.ts`);

/** Lowest rank first. */
export const ranks: readonly (readonly Room[])[] = [
  [{ room: "src/lib/" }],
  [
    { room: "src/access/core/" },
    { room: "src/routing/core/" },
    { room: "src/rails/core/" },
    { room: "src/files/core/" },
    { room: "src/jobs/core/" },
    { room: "src/sight/core/" },
    { room: "src/tenants/core/" },
    { room: "src/translate/core/" },
  ],
  // Pure as well. Three of the detectors wrap a library.
  [
    { room: "src/rails/detectors/", packages: ["re2js", "obscenity", "@cfworker/json-schema"] },
    { room: "src/dispatch/core/" },
    { room: "src/routing/host/" },
  ],
  // The default config is a text module that only the bundler and the tests can load.
  [{ room: "src/config/", packages: ["zod", "jsonc-parser", "warmpath.jsonc"] }],
  [{ room: "src/wire/", packages: ["standardwebhooks"] }],
  [{ room: "src/jobs/wire/" }],
  [{ room: "backends/" }],
  [
    { room: "src/routing/object/", packages: [WORKERS] },
    { room: "src/dispatch/", packages: [WORKERS] },
    { room: "src/access/object/", packages: [WORKERS] },
    { room: "src/tenants/object/", packages: [WORKERS] },
  ],
  [
    { room: "src/rails/", packages: [WORKERS] },
    { room: "src/sight/", packages: [WORKERS] },
    { room: "src/access/", packages: ["jose"] },
    { room: "src/tenants/", packages: [WORKERS] },
  ],
  [
    { room: "src/jobs/object/", packages: [WORKERS, "node:crypto"] },
    { room: "src/sight/object/", packages: [WORKERS] },
  ],
  [{ room: "src/files/" }],
  [{ room: "src/gateway/", packages: [WORKERS, "itty-router"] }],
  [{ room: "src/worker.ts", packages: [WORKERS] }],
];

/** Programs beside the house, and what each may import besides itself. */
export const programs: readonly { readonly room: string; readonly to: readonly string[] }[] = [
  { room: "backends/gpu-engine/", to: ["src/lib/"] },
  { room: "backends/gpu-simulator/", to: ["src/lib/", "backends/gpu-engine/", "node:", "zod"] },
  // It runs in a browser: of the house it may know what a frame is, what names the config has, and how an event stream
  // is read.
  {
    room: "dashboard/",
    to: [
      "src/sight/core/",
      "src/config/config-bounds.ts",
      "src/lib/sse.ts",
      "src/lib/result.ts",
      "preact",
      "@preact/signals",
      "uplot",
    ],
  },
  // What the simulator proves, it proves of the modules that ship: it may not bring a copy of a shell, or a host.
  { room: "tools/sim/", to: SIMULATED },
  {
    room: "tools/sim/main.ts",
    to: [...SIMULATED, "tools/sim/", "node:"],
  },
  // A scenario file is read as the config is, and its problems are told as the config's are.
  {
    room: "tools/sim/report/",
    to: [...SIMULATED, "tools/sim/", "node:", "zod", ...READERS],
  },
];

/** What is wrong with this import, or undefined when it is allowed. */
export function arrowProblem(file: SourceFile, imported: Import): string | undefined {
  const to = imported.target ?? imported.specifier;
  const program = longest(programs, file.path);
  if (program !== undefined) {
    const own = imported.target !== undefined && longest(programs, to) === program;
    return own || program.to.some((allowed) => covers(allowed, to))
      ? undefined
      : `${program.room} may not import ${to}`;
  }
  if (!file.path.startsWith("src/") && !file.path.startsWith("backends/")) return undefined;
  const from = placeOf(file.path);
  if (from === undefined) return `no row of test/repo/arrows.ts covers ${file.path}`;
  if (from.row.packages?.some((allowed) => covers(allowed, to)) === true) return undefined;
  const target = longest(programs, to) === undefined ? placeOf(to) : undefined;
  if (target === undefined) return `${from.row.room} may not import ${to}`;
  if (target.row === from.row || target.rank < from.rank) return undefined;
  const how = target.rank === from.rank ? "of its own rank" : "above it";
  return `${from.row.room} may not import ${to}: ${target.row.room} is ${how}`;
}

function placeOf(path: string): { readonly row: Room; readonly rank: number } | undefined {
  const row = longest(ranks.flat(), path);
  return row === undefined ? undefined : { row, rank: ranks.findIndex((rank) => rank.includes(row)) };
}

function longest<Row extends { readonly room: string }>(rows: readonly Row[], path: string): Row | undefined {
  return rows
    .filter(({ room }) => (room.endsWith("/") ? path.startsWith(room) : path === room))
    .reduce<Row | undefined>(
      (best, row) => (best === undefined || row.room.length > best.room.length ? row : best),
      undefined,
    );
}

function covers(allowed: string, to: string): boolean {
  return allowed.endsWith("/") || allowed.endsWith(":")
    ? to.startsWith(allowed)
    : to === allowed || to.startsWith(`${allowed}/`);
}
