/**
 * `npm run reference`: writes the pages of `docs/reference/` that the code itself knows: config, errors, headers,
 * routes, commands; and `llms.txt`. `--check` writes nothing and fails when a page is not what the code says.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { say, writeOrCheck } from "../cli/generated.ts";
import type { Generated } from "../cli/generated.ts";
import { compatPage } from "../../compat/page.ts";
import { readResults } from "../../compat/results.ts";
import { analyticsPage } from "./analytics-page.ts";
import { commandsPage } from "./commands-page.ts";
import { configPage } from "./config-page.ts";
import { errorsPage } from "./errors-page.ts";
import { grafanaDashboard } from "./grafana.ts";
import { headersPage } from "./headers-page.ts";
import { metricsPage } from "./metrics-page.ts";
import { llmsPage } from "./llms-page.ts";
import { routesPage } from "./routes-page.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** From `docs/`. The index does not name itself, and decisions are one line of it. */
const documents = (): readonly string[] =>
  globSync("*/*.md", { cwd: join(root, "docs") })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => !path.startsWith("decisions/"))
    .toSorted();

export const PAGES: readonly Generated[] = [
  analyticsPage,
  commandsPage(() => read("package.json")),
  compatPage(readResults),
  configPage,
  errorsPage,
  grafanaDashboard,
  headersPage(() => globSync("src/**/*.ts", { cwd: root }).map(read)),
  metricsPage,
  llmsPage(() => read("docs/README.md"), documents),
  routesPage(() => ({
    router: read("src/gateway/router.ts") + read("src/gateway/patterns.ts"),
    jobs: read("src/gateway/jobs-api/routes.ts"),
    access: read("src/gateway/admin/access-routes.ts"),
  })),
];

if (import.meta.main) say(writeOrCheck(PAGES, "npm run reference", process.argv.slice(2), root));
