/**
 * The dashboard's files at `/dashboard`, with the headers that keep the page to itself.
 *
 * Model. Files are behind the binding ASSETS: static assets on Cloudflare, a folder on plain workerd. The Worker is asked
 * first and alone, so it decides what is served and how: one page, and files whose names hold a hash of their content,
 * which a browser may keep for ever. Anybody may load them: what they show, they have to ask for.
 * The page may load scripts, styles and images of this router alone, talk to nobody else, be shown in nobody's frame, and
 * make markup of no text (Trusted Types).
 * Rejected: a `_headers` file, which only Cloudflare reads; assets that are served before the Worker, whose folder would
 * be at the root of every deployment's paths.
 */
import type { HeaderRecord } from "../../wire/headers.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import { dress } from "../../wire/replies.ts";
import type { EdgeRequest } from "../edge-request.ts";

const PAGE = "index.html";

/** As `tools/cli/build-dashboard.ts` names them: nothing else of the folder is served. */
const FILE = /^[a-z]+-[A-Z0-9]{8}\.(js|css|svg)$/;

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const HEADERS: HeaderRecord = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "permissions-policy":
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

const NOT_BUILT: Refusal = {
  reason: "not_found",
  detail:
    "The dashboard has not been built, or is not bound as ASSETS: run npm run build, and deploy with the [assets] of wrangler.toml. Everything that it shows is at /admin/fleet and /metrics too.",
};

const NO_FILE: Refusal = { reason: "not_found", detail: "The dashboard has no such file. Load /dashboard anew." };

/** As much of the binding as is used. */
type Assets = { fetch(request: Request): Promise<Response> };

/** `edge.path` is `/dashboard` or below it. */
export async function page(edge: EdgeRequest): Promise<Answer> {
  const { method } = edge.request;
  if (method !== "GET" && method !== "HEAD") return { reason: "method_not_allowed", headers: [["allow", "GET, HEAD"]] };
  const name = edge.path === "/dashboard" ? PAGE : edge.path.slice("/dashboard/".length);
  const isPage = name === PAGE && edge.path === "/dashboard";
  if (!isPage && !FILE.test(name)) return NO_FILE;
  const assets = edge.env.ASSETS as Assets | undefined;
  const found = await assets?.fetch(new Request(`https://assets/${name}`));
  if (found?.status !== 200) {
    await found?.body?.cancel();
    return isPage ? NOT_BUILT : NO_FILE;
  }
  const headers: HeaderRecord = {
    ...HEADERS,
    "content-type": TYPES[name.split(".")[1] ?? ""] ?? "application/octet-stream",
    "cache-control": isPage ? "no-cache" : "public, max-age=31536000, immutable",
  };
  dress(headers, edge.requestId, null);
  if (method === "GET") return new Response(found.body, { headers });
  await found.body?.cancel();
  return new Response(null, { headers });
}
