/**
 * Decides what may be written of who may do what: what narrows a key, whose tokens are taken, and where operators come in.
 * Shapes only, as in `config-schema.ts`; whether an address or a public key can be read is checked where the file is read
 * for people (`tools/cli/config-file.ts`), because an isolate whose config is a binding reads this with its first request.
 * What cannot be read admits nobody.
 */
import * as z from "zod";
import { ACCESS_LIST_MAX, CLOCK_TOLERANCE_S_MAX, JWT_ALGORITHMS, JWT_ISSUERS_MAX, SCOPES } from "./config-bounds.ts";
import { keyLimits } from "./limits-schema.ts";
import { PRIORITIES } from "../routing/core/shard/priority.ts";

/** No underscore: in a key it separates the id from the secret. */
export const KEY_ID = /^[a-z0-9][a-z0-9-]{0,31}$/;
export const TENANT_ID = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export const tenantId = z
  .string()
  .regex(TENANT_ID, { error: "use 1 to 64 of a-z 0-9 . _ -, starting with a letter or a digit" });
const name = z.string().min(1).max(200);
const names = z.array(name).max(ACCESS_LIST_MAX);
const ADDRESS = /^(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,40})(?:\/\d{1,3})?$/;

/** Members of a key, in the config and in the registry. */
export const keyAccess = {
  models: names
    .min(1)
    .optional()
    .describe(
      "Models that the key may use, by the names that clients say. A pool that is named in a path needs all of its names, or a request that names one of these. Default: every model.",
    ),
  pools: names.min(1).optional().describe("Pools that the key may use, by id. Default: every pool."),
  addresses: z
    .array(z.string().regex(ADDRESS, { error: 'write an address or a network, such as "203.0.113.0/24"' }))
    .min(1)
    .max(ACCESS_LIST_MAX)
    .optional()
    .describe(
      "Addresses and networks that the key may be used from, IPv4 and IPv6. Default: anywhere. Self-hosted it is the address of the connection: behind a proxy that is the proxy's.",
    ),
  note: z.string().max(200).optional().describe("What the key is for, for people."),
};

export const keySchema = z.strictObject({
  id: z
    .string()
    .regex(KEY_ID, { error: "use 1 to 32 of a-z 0-9 -, starting with a letter or a digit" })
    .describe("Public part of the key, shown in logs. Unique."),
  tenant: tenantId.describe("Who the key belongs to: limits and isolation are per tenant."),
  hmac: z
    .string()
    .regex(/^[0-9a-f]{64}$/, { error: "paste the 64 hex digits that `npm run key` prints" })
    .describe(
      "HMAC-SHA-256 of the key under the pepper, 64 hex digits, from `npm run key`. The key itself is stored nowhere.",
    ),
  scopes: z
    .array(z.enum(SCOPES))
    .min(1)
    .max(4)
    .default(["infer"])
    .describe(
      'What the key may do: "infer" calls models and submits jobs, "admin" opens /admin, "worker" lets a GPU worker pull jobs, whosever they are, "operate" reaches what operates an engine (such as /sleep) where `paths` opens it. Default ["infer"]: least power.',
    ),
  priorityMax: z
    .enum(PRIORITIES)
    .default("normal")
    .describe(
      'The highest class that requests with this key may wait in: "high", "normal" or "low". They ask for one with x-warmpath-priority or Priority (RFC 9218); lower is always allowed. Default "normal": nobody goes before others by asking.',
    ),
  limits: keyLimits
    .optional()
    .describe("What requests with this key may come to, beside what its tenant may. Default: no limit of its own."),
  expiresAt: z
    .union([z.iso.date(), z.iso.datetime({ offset: true })], {
      error: 'write an ISO date such as "2027-01-31" (00:00 UTC) or "2027-01-31T12:00:00Z"',
    })
    .optional()
    .describe(
      "Instant from which the key is refused: ISO date (00:00 UTC) or date-time with its offset. Default: never.",
    ),
  pepper: z
    .string()
    .max(8)
    .optional()
    .describe(
      "Mark of the pepper that it was hashed under, from `npm run key`: tells which keys a new pepper would lose. Default: not known.",
    ),
  ...keyAccess,
});

const issuer = z.strictObject({
  issuer: name.describe("The `iss` of its tokens, letter for letter."),
  audience: z.union([name, names.min(1)]).describe("The `aud` that a token must have; of several, one."),
  jwksUrl: z
    .string()
    .max(2000)
    .optional()
    .describe("Where its public keys are (JWKS). https, or http on a private network. Give this or keys."),
  keys: z
    .array(z.record(z.string(), z.unknown()))
    .min(1)
    .max(ACCESS_LIST_MAX)
    .optional()
    .describe("Its public keys, as JWKs, in place of jwksUrl. Never a private one."),
  algorithms: z
    .array(z.enum(JWT_ALGORITHMS))
    .min(1)
    .describe('Signatures that are taken, such as ["RS256"]. There is no default, and no shared secret.'),
  tenant: name.optional().describe("Tenant of all its tokens. Default: tenantClaim says it."),
  tenantClaim: name.default("tenant").describe('Claim that names the tenant. Default "tenant".'),
  tenants: names
    .optional()
    .describe("Tenants that its tokens may name; others are refused. Default: any, so that it can speak for all."),
  scopesClaim: name
    .default("scope")
    .describe('Claim with the scopes, a list or words with spaces between. Default "scope".'),
  scopes: z
    .record(z.string(), z.enum(SCOPES))
    .optional()
    .describe('What its scopes mean here: {"models:use": "infer"}. Default: every token may infer, and nothing else.'),
  modelsClaim: name.optional().describe("Claim that lists the models that a token may use. Default: every model."),
  clockToleranceS: z
    .int()
    .min(0)
    .max(CLOCK_TOLERANCE_S_MAX)
    .default(30)
    .describe("How far its clock may be from ours, s, 0 to 300. Default 30."),
});

export const jwtSchema = z.array(issuer).max(JWT_ISSUERS_MAX);

export const adminSchema = z.strictObject({
  host: z
    .string()
    .max(253)
    .optional()
    .describe(
      'Host name at which alone /admin, /metrics and /dashboard are served, such as "ops.example.com"; elsewhere they are not found. For Cloudflare, where a client cannot choose the name that it comes in by; self-hosted, use serve\'s --admin-listen. Default: at every name.',
    ),
  unrecorded: z
    .enum(["refuse", "allow"])
    .default("refuse")
    .describe(
      'What becomes of an operator\'s order that cannot be recorded: "refuse", or "allow", which writes it to the log. Default "refuse".',
    ),
});
