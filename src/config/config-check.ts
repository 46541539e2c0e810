/**
 * Decides what a well-shaped config may still not say: references to things that do not exist, names used twice, and
 * URLs that would leak. Everything here needs two places of the file at once, or a reason that a pattern cannot give.
 *
 * Model: a list of findings, each with the path of the value to change. All are reported together, so that a file is
 * repaired in one go. Rejected: zod's `superRefine`, which does not run while any shape error is left.
 */
import type { ConfigPath, Finding } from "./config-finding.ts";
import type { RawConfig, RawEndpoint } from "./config-schema.ts";
import { POOLS_MAX, REGIONS_MAX } from "./config-bounds.ts";
import { nearest } from "./config-nearest.ts";
import { firstTokenTimeoutOf, workersMaxOf } from "./config-resolve.ts";
import { checkRails } from "./rails-resolve.ts";
import { checkTraffic } from "./traffic-check.ts";

/** Paths that the router itself serves; a route may not hide them. */
const RESERVED_PREFIXES = ["/p", "/v2", "/admin", "/hooks", "/v1/models", "/v1/jobs"];
const RESERVED_PATHS = new Set(
  "/livez /readyz /healthz /health /ping /metrics /v1/chat/completions /v1/completions /v1/embeddings".split(" "),
);

/** An operator who copies a whole request URL gets the base that was meant. */
const API_PATH = /(?:\/v1)?\/(?:chat\/completions|completions|embeddings|responses|messages|models)\/*$/;

export function checkConfig(raw: RawConfig): Finding[] {
  return [
    ...checkCounts(raw),
    ...checkRegions(raw),
    ...checkUnique(raw),
    ...checkNames(raw),
    ...checkRoutes(raw),
    ...checkServed(raw),
    ...checkTraffic(raw),
    ...checkKeys(raw),
    ...checkIssuers(raw),
    ...eachEndpoint(raw).flatMap(({ endpoint, path }) => checkEndpoint(endpoint, path)),
    ...checkPatience(raw),
    ...checkJobs(raw),
    ...checkSight(raw),
    ...checkRails(raw.pools, (text, allowPlainHttp) => urlProblem(text, allowPlainHttp, true)),
  ];
}

function eachEndpoint(raw: RawConfig): { endpoint: RawEndpoint; path: ConfigPath }[] {
  return Object.entries(raw.pools).flatMap(([poolId, pool]) =>
    pool.endpoints.map((endpoint, index) => ({ endpoint, path: ["pools", poolId, "endpoints", index] })),
  );
}

function checkCounts(raw: RawConfig): Finding[] {
  const findings: Finding[] = [];
  const pools = Object.keys(raw.pools).length;
  const regions = Object.keys(raw.regions).length;
  if (pools === 0) findings.push({ path: ["pools"], problem: "there is no pool", fix: "declare at least one pool" });
  if (pools > POOLS_MAX)
    findings.push({ path: ["pools"], problem: `${pools} pools`, fix: `keep to ${POOLS_MAX} pools per deployment` });
  if (regions > REGIONS_MAX)
    findings.push({ path: ["regions"], problem: `${regions} regions`, fix: `keep to ${REGIONS_MAX} regions` });
  return findings;
}

function checkRegions(raw: RawConfig): Finding[] {
  const known = Object.keys(raw.regions);
  return eachEndpoint(raw)
    .filter(({ endpoint }) => !known.includes(endpoint.region))
    .map(({ path, endpoint }) => ({
      path: [...path, "region"],
      problem: "this region is not declared",
      fix: didYouMean(endpoint.region, known, 'declare it under "regions"'),
    }));
}

function checkServed(raw: RawConfig): Finding[] {
  return Object.entries(raw.pools)
    .filter(([, { endpoints, jobs }]) => endpoints.length === 0 && jobs.pull !== true)
    .map(([id]) => ({
      path: ["pools", id, "endpoints"],
      problem: "nobody serves this pool",
      fix: 'declare an endpoint, or write "jobs": {"pull": true} where GPU workers pull its jobs',
    }));
}

/** Endpoint ids and model names, each unique over all pools. */
function checkUnique(raw: RawConfig): Finding[] {
  const findings: Finding[] = [];
  const endpointSeen = new Map<string, string>();
  for (const { endpoint, path } of eachEndpoint(raw)) {
    const first = endpointSeen.get(endpoint.id);
    if (first !== undefined)
      findings.push({
        path: [...path, "id"],
        problem: `${first} has this id already`,
        fix: "give each endpoint its own id, over all pools: leases and metrics name it",
      });
    else endpointSeen.set(endpoint.id, formatPath(path));
  }
  const modelSeen = new Map<string, string>();
  for (const [poolId, pool] of Object.entries(raw.pools)) {
    const { models = [poolId], adapters } = pool;
    for (const [index, model] of [...models, ...adapters].entries()) {
      const first = modelSeen.get(model);
      const named = pool.models === undefined ? ["pools", poolId] : ["pools", poolId, "models", index];
      const isModel = index < models.length;
      const path = isModel ? named : ["pools", poolId, "adapters", index - models.length];
      if (first !== undefined)
        findings.push({
          path,
          problem: `the model name "${model}" selects the pool "${first}" already`,
          fix: 'let a model name select one pool only: set "models" of one of the two',
        });
      else modelSeen.set(model, poolId);
    }
  }
  return findings;
}

/** What endpoints have other names for is a name of their pool. */
function checkNames({ pools }: RawConfig): Finding[] {
  return Object.entries(pools).flatMap(([poolId, { endpoints, models = [poolId], adapters }]) =>
    endpoints.flatMap(({ model }, index) =>
      Object.keys(typeof model === "object" ? model : {})
        .filter((name) => ![...models, ...adapters].includes(name))
        .map((name) => ({
          path: ["pools", poolId, "endpoints", index, "model", name],
          problem: `the pool has no model "${name}"`,
          fix: didYouMean(
            name,
            [...models, ...adapters],
            'write a name of "models" on the left, and the endpoint\'s own on the right',
          ),
        })),
    ),
  );
}

function checkRoutes(raw: RawConfig): Finding[] {
  const findings: Finding[] = [];
  const pools = Object.keys(raw.pools);
  const seen = new Set<string>();
  for (const [index, route] of raw.routes.entries()) {
    const at = (field: string): ConfigPath => ["routes", index, field];
    if (!pools.includes(route.pool))
      findings.push({
        path: at("pool"),
        problem: "this pool is not declared",
        fix: didYouMean(route.pool, pools, 'declare it under "pools"'),
      });
    const isReserved =
      RESERVED_PATHS.has(route.path) ||
      RESERVED_PREFIXES.some((prefix) => route.path === prefix || route.path.startsWith(`${prefix}/`));
    if (isReserved)
      findings.push({ path: at("path"), problem: "the router serves this path itself", fix: "choose another path" });
    if (seen.has(route.path))
      findings.push({ path: at("path"), problem: "another route has this path", fix: "keep one route for each path" });
    seen.add(route.path);
  }
  return findings;
}

function checkKeys(raw: RawConfig): Finding[] {
  const seen = new Set<string>();
  return raw.keys.flatMap(({ id, expiresAt }, index) => {
    const findings: Finding[] = [];
    if (seen.has(id))
      findings.push({
        path: ["keys", index, "id"],
        problem: "another key has this id",
        fix: "give each key its own id",
      });
    seen.add(id);
    // The pattern of zod admits a leap second and hour 24 that no clock here knows.
    if (expiresAt !== undefined && Number.isNaN(Date.parse(expiresAt)))
      findings.push({
        path: ["keys", index, "expiresAt"],
        problem: "no such instant",
        fix: 'write for example "2027-01-31"',
      });
    return findings;
  });
}

function checkIssuers(raw: RawConfig): Finding[] {
  return raw.jwt.flatMap(({ jwksUrl, keys }, index): Finding[] => {
    if ((jwksUrl === undefined) === (keys === undefined))
      return [{ path: ["jwt", index], problem: "its public keys have no one place", fix: "write jwksUrl or keys" }];
    const problem = jwksUrl === undefined ? null : urlProblem(jwksUrl, null, true);
    return problem === null ? [] : [{ path: ["jwt", index, "jwksUrl"], ...problem }];
  });
}

function checkEndpoint(endpoint: RawEndpoint, path: ConfigPath): Finding[] {
  const findings: Finding[] = [];
  const { workers, health } = endpoint;
  if (workers.max !== undefined && workers.min > workers.max)
    findings.push({
      path: [...path, "workers", "max"],
      problem: `max is below min (${workers.min})`,
      fix: `write ${workers.min} or more, or lower min`,
    });
  const asksLoad = endpoint.engineLoad !== undefined && endpoint.engineLoad !== "off";
  if (asksLoad && (endpoint.backend === "runpod-lb" || workersMaxOf(workers) > 1))
    findings.push({
      path: [...path, "engineLoad"],
      problem: "behind a load balancer one engine does not speak for the others",
      fix: "remove it, or declare each engine as an endpoint of its own",
    });
  const base = urlProblem(endpoint.url, endpoint.allowPlainHttp, false);
  if (base !== null) findings.push({ path: [...path, "url"], ...base });
  else if (API_PATH.test(new URL(endpoint.url).pathname))
    findings.push({
      path: [...path, "url"],
      problem: "the URL ends in a path of the API, which is appended to it",
      fix: `write the base URL, "${endpoint.url.replace(/[?#].*$/, "").replace(API_PATH, "")}"`,
    });
  if (health.url === undefined) return findings;
  const healthUrl = urlProblem(health.url, endpoint.allowPlainHttp, true);
  if (healthUrl !== null) findings.push({ path: [...path, "health", "url"], ...healthUrl });
  if (health.path !== undefined)
    findings.push({
      path: [...path, "health", "path"],
      problem: "the health check has both a path and a url",
      fix: "remove one of the two",
    });
  return findings;
}

function checkPatience(raw: RawConfig): Finding[] {
  return Object.entries(raw.pools).flatMap(([poolId, pool]) => {
    const { coldWaitMsMax } = pool;
    const limitMs = firstTokenTimeoutOf(pool);
    return coldWaitMsMax === undefined || coldWaitMsMax <= limitMs
      ? []
      : [
          {
            path: ["pools", poolId, "coldWaitMsMax"],
            problem: `this is above firstTokenTimeoutMs (${limitMs}), which would cut the wait`,
            fix: `write at most ${limitMs}, or raise firstTokenTimeoutMs`,
          },
        ];
  });
}

function checkJobs(raw: RawConfig): Finding[] {
  return Object.entries(raw.pools).flatMap(([poolId, { jobs }]) => {
    const problem = jobs.events === undefined ? null : urlProblem(jobs.events.url, null, true);
    return problem === null ? [] : [{ path: ["pools", poolId, "jobs", "events", "url"], ...problem }];
  });
}

function checkSight({ sight: { otlp } }: RawConfig): Finding[] {
  const problem = otlp === undefined ? null : urlProblem(otlp.url, null, true);
  return problem === null ? [] : [{ path: ["sight", "otlp", "url"], ...problem }];
}

/** `allowPlainHttp`: what the file says beside the URL; null: it has no say. */
export function urlProblem(
  text: string,
  allowPlainHttp: boolean | null,
  allowQuery: boolean,
): Omit<Finding, "path"> | null {
  if (!URL.canParse(text))
    return { problem: "this is not a URL", fix: 'write an absolute URL such as "https://gpu.example.com"' };
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    return { problem: `${url.protocol} is not served`, fix: "use https (or http on a private network)" };
  if (url.username !== "" || url.password !== "")
    return { problem: "the URL carries credentials", fix: 'move them to a secret and name it in "auth"' };
  if (url.hash !== "" || (url.search !== "" && !allowQuery))
    return { problem: "the base URL has a query or a fragment", fix: "remove everything from ? or # on" };
  if (url.protocol === "http:" && allowPlainHttp !== true && !isPrivateHost(url.hostname))
    return {
      problem: "http to a public host would show prompts and the secret to everyone on the way",
      fix: allowPlainHttp === null ? "use https" : 'use https, or set "allowPlainHttp": true beside it',
    };
  return null;
}

/**
 * Loopback, private networks (RFC 1918, RFC 6598, RFC 4193), and names that no public DNS answers. Link-local is left
 * out: cloud metadata services live there. `hostname` is as the URL parser writes it.
 */
function isPrivateHost(hostname: string): boolean {
  if (hostname.startsWith("[")) return hostname === "[::1]" || /^\[f[cd][0-9a-f]{2}:/.test(hostname);
  if (/^\d+\.\d+\.\d+\.\d+$/.test(hostname)) {
    const [first = 0, second = 0] = hostname.split(".").map(Number);
    return (
      first === 127 ||
      first === 10 ||
      (first === 172 && second >= 16 && second <= 31) ||
      (first === 192 && second === 168) ||
      (first === 100 && second >= 64 && second <= 127)
    );
  }
  return !hostname.includes(".") || /\.(?:localhost|local|internal|home\.arpa|test)$/.test(hostname);
}

/** "pools.llama.endpoints[0].region"; a key that is no plain word is quoted: `pools["llama-3.1-8b"]`. */
export function formatPath(path: ConfigPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (!/^[A-Za-z_$][A-Za-z0-9_$-]*$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

export function didYouMean(word: string, known: readonly string[], otherwise: string): string {
  const guess = nearest(word, known);
  if (guess !== null) return `did you mean "${guess}"?`;
  const list = known.length > 0 && known.length <= 12 ? `; known: ${known.join(", ")}` : "";
  return otherwise + list;
}
