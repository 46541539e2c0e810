/** The reference of HTTP routes, and what holds it to the code. */
import { ROUTE_GROUPS, ROUTES_SERVED } from "./routes-table.ts";
import { code, generatedFrom, page, table } from "./page.ts";

export type RouteSources = {
  /** `src/gateway/router.ts` and `patterns.ts`. */
  readonly router: string;
  /** `src/gateway/jobs-api/routes.ts`: Runpod's operations. */
  readonly jobs: string;
  /** `src/gateway/admin/access-routes.ts`. */
  readonly access: string;
};

export function routesPage(sources: () => RouteSources) {
  return {
    path: "docs/reference/http.md",
    source: "tools/reference/routes-table.ts",
    text: (): string => routesReference(sources()),
  };
}

export function routesReference(sources: RouteSources): string {
  const untold = pathsOf(sources).filter((path) => !ROUTES_SERVED.some((route) => covers(route.path, path)));
  if (untold.length > 0) throw new Error(`tools/reference/routes-table.ts does not tell of ${untold.join(", ")}`);
  return page(
    "# HTTP routes",
    generatedFrom("`tools/reference/routes-table.ts`, which is held to the router's own tables"),
    "A key's scopes are in `keys[].scopes`. `GET` answers `HEAD` too, where it does not wait, follow or take something. The same list for machines, with the shapes of bodies and answers, is `GET /openapi.json` (`npm run openapi`). Further public paths are `routes` of the config. Errors are in [errors](errors.md), headers in [headers](headers.md), jobs in [the jobs API](jobs-api.md).",
    ...Object.entries(ROUTE_GROUPS).flatMap(([title, routes]) => [
      `## ${title}`,
      table(
        ["request", "scope", "does"],
        routes.map(({ method, path, scope, does }) => [code(`${method} ${path}`), scope ?? "none", does]),
      ),
    ]),
  );
}

/** Paths as the code writes them, its parameters as `:x`. */
function pathsOf({ router, jobs, access }: RouteSources): readonly string[] {
  const exact = [...router.matchAll(/"(\/(?:v1|metrics|admin|dashboard)[^"]*)"/g)].map(([, path = ""]) => path);
  const operations = [...jobs.matchAll(/^ {2}\["([a-z-]+)", route\(/gm)].map(([, name = ""]) => `/v2/:pool/${name}`);
  const orders = [...access.matchAll(/path: "(\/admin\/[^"]+)"/g)].map(([, path = ""]) => path);
  return [...exact, ...operations, ...orders];
}

/** Does a line of the table stand for a path of the code? An operation's parameters are not told there. */
function covers(told: string, path: string): boolean {
  const wanted = path.split("/");
  const segments = told.split("/");
  if (!path.startsWith("/v2/") && segments.length !== wanted.length) return false;
  return wanted.every((segment, at) => segment === segments[at] || segment.startsWith(":"));
}
