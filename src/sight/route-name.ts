/**
 * Decides under which name a request's path is told: a bounded set, whatever clients ask for.
 *
 * Model. What leads to an endpoint has a route of its own, and each of its requests is recorded. Of everything else (lists,
 * jobs' own API, operators, the page) only what was refused is, under the head of its path.
 */
import type { Config } from "../config/config.ts";
import { INFERENCE_PATHS } from "../wire/openai.ts";
import { withoutLastSlash } from "../wire/request-target.ts";

export type RouteName = { readonly route: string; readonly leadsToEndpoint: boolean };

/** The path of an attempt of a job. */
const JOB_ROUTE = "job";

const HEADS: readonly (readonly [RegExp, string])[] = [
  [/^\/v2\/[^/]+\/openai(?:\/|$)/, "/v2/{pool}/openai"],
  [/^\/p\/[^/]+(?:\/|$)/, "/p/{pool}"],
  [/^\/v2(?:\/|$)/, "/v2/{pool}"],
  [/^\/v1\/jobs(?:\/|$)/, "/v1/jobs"],
  [/^\/v1\/realtime$/, "/v1/realtime"],
  [/^\/v1\/models(?:\/|$)/, "/v1/models"],
  [/^\/hooks(?:\/|$)/, "/hooks"],
  [/^\/admin(?:\/|$)/, "/admin"],
  [/^\/dashboard(?:\/|$)/, "/dashboard"],
  [/^\/metrics$/, "/metrics"],
];
const TO_ENDPOINTS = new Set(["/v2/{pool}/openai", "/p/{pool}", "/v1/realtime"]);

export function routeName(path: string, { routes }: Pick<Config, "routes">): RouteName {
  if (path === JOB_ROUTE) return { route: JOB_ROUTE, leadsToEndpoint: true };
  const plain = withoutLastSlash(path);
  const own = INFERENCE_PATHS.find((one) => one === plain);
  if (own !== undefined || routes.has(plain)) return { route: own ?? plain, leadsToEndpoint: true };
  const [, route = "other"] = HEADS.find(([head]) => head.test(path)) ?? [];
  return { route, leadsToEndpoint: TO_ENDPOINTS.has(route) };
}
