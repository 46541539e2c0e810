/**
 * Who may import whom (the table of the architecture page, as data). The row with the longest matching `from` decides; a
 * row ends in `/` for a folder, or names one file. A file in `src/` or `backends/` that no row covers is a violation.
 */
import type { Import, SourceFile } from "./imports.ts";

export type Arrow = {
  readonly from: string;
  /** Folders, files, packages (`zod` also covers `zod/mini`) or schemes (`node:`). Every row may import its own folder. */
  readonly to: readonly string[];
  /** Allowed as `import type` only. */
  readonly typesTo?: readonly string[];
};

const worker = ["src/core/", "src/protocol/", "backends/", "cloudflare:workers"] as const;

export const arrows: readonly Arrow[] = [
  { from: "src/core/", to: [] },
  { from: "src/protocol/", to: ["src/core/", "zod", "jsonc-parser"] },
  // The one place that signs; loaded with what sends only.
  { from: "src/protocol/webhook-signature.ts", to: ["standardwebhooks"] },
  // The bundled config: a text module that only the bundler and the tests can load.
  { from: "src/protocol/env.ts", to: ["src/core/", "src/protocol/", "warmpath.jsonc"] },
  // Rails that wrap a library; pure, but not free of dependencies.
  { from: "src/rails/", to: ["src/core/", "re2js", "obscenity", "@cfworker/json-schema"] },
  { from: "src/edge/", to: [...worker, "src/rails/", "itty-router"], typesTo: ["src/objects/", "src/jobs/"] },
  // workerd finds a Durable Object's class by the entry's export, so the entry alone imports the objects for real.
  { from: "src/edge/entry.ts", to: [...worker, "src/edge/", "src/objects/", "src/jobs/", "itty-router"] },
  { from: "src/objects/", to: worker },
  // The job queue dispatches as the edge does: with its lease desk.
  { from: "src/jobs/", to: [...worker, "src/edge/"] },
  { from: "src/sim/", to: ["src/core/"] },
  // The simulator's command line and what it reads and prints; the simulation itself stays free of the host.
  { from: "src/sim/main.ts", to: ["src/core/", "src/sim/", "node:"] },
  { from: "src/sim/report/", to: ["src/core/", "src/sim/", "node:"] },
  { from: "src/cli/", to: ["src/core/", "src/protocol/", "src/rails/", "node:", "esbuild", "workerd"] },
  // The demonstration is the one command that brings its own GPU servers.
  { from: "src/cli/demo.ts", to: ["src/core/", "src/protocol/", "src/cli/", "backends/gpu-simulator/", "node:"] },
  { from: "src/dashboard/", to: [], typesTo: ["src/protocol/"] },
  { from: "backends/", to: ["src/core/", "src/protocol/"] },
  { from: "backends/gpu-simulator/", to: ["src/core/", "node:", "zod"] },
];

/** What is wrong with this import, or undefined when it is allowed. Files outside `src/` and `backends/` are free. */
export function arrowProblem(file: SourceFile, imported: Import): string | undefined {
  if (!file.path.startsWith("src/") && !file.path.startsWith("backends/")) return undefined;
  const row = rowFor(file.path);
  if (row === undefined) return `no row of test/repo/arrows.ts covers ${file.path}`;
  const to = imported.target ?? imported.specifier;
  const own = imported.target !== undefined && rowFor(to) === row;
  if (own || row.to.some((allowed) => covers(allowed, to))) return undefined;
  if (row.typesTo?.some((allowed) => covers(allowed, to)) === true) {
    return imported.typeOnly ? undefined : `${row.from} may import only types from ${to}`;
  }
  return `${row.from} may not import ${to}`;
}

function rowFor(path: string): Arrow | undefined {
  return arrows
    .filter(({ from }) => (from.endsWith("/") ? path.startsWith(from) : path === from))
    .reduce<Arrow | undefined>(
      (best, row) => (best === undefined || row.from.length > best.from.length ? row : best),
      undefined,
    );
}

/** Adapters sit directly in `backends/`; the folders below it are programs of their own. */
function covers(allowed: string, to: string): boolean {
  if (allowed === "backends/") return /^backends\/[^/]+$/.test(to);
  if (allowed.endsWith("/") || allowed.endsWith(":")) return to.startsWith(allowed);
  return to === allowed || to.startsWith(`${allowed}/`);
}
