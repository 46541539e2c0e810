/**
 * `/admin/keys…` and `/admin/audit`: keys are made, listed, changed, rotated and revoked, and what operators did is read. A secret
 * is made here, shown once, and leaves as its digest alone. Who may do this may do everything, so a key that is narrowed
 * to some pools or models may not.
 */
import { callRegistry, hasRegistry } from "../../access/registry-stub.ts";
import { keyIdOf, pepperMark, randomPart } from "../../access/core/key-id.ts";
import { standingOf } from "../../access/core/key-record.ts";
import type { KeyRecord } from "../../access/core/key-record.ts";
import type { AuditSince, KeyChange, Order } from "../../access/core/registry-calls.ts";
import { peppersOf } from "../../config/env.ts";
import type { ApiKeyEntry } from "../../config/config.ts";
import { hashKeyOf } from "../../lib/keyed-hash.ts";
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { formatKey, keyHmac, pepperProblem, toHex } from "../../wire/api-keys.ts";
import { parseJson } from "../../wire/body.ts";
import type { HeaderRecord } from "../../wire/headers.ts";
import { unknownAction } from "../../wire/not-found.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import { dress } from "../../wire/replies.ts";
import type { Authenticated, EdgeRequest } from "../edge-request.ts";
import { readBody } from "../read-body.ts";
import { eraseTenantData } from "./erase-tenant.ts";
import { readKeyEdit, readNewKey, readRotation } from "./keys-request.ts";
import { actionOf, actorOf } from "./recorded.ts";

/** A hundred models, pools and networks fit. */
const ORDER_BYTES_MAX = 65_536;
const PAGE_DEFAULT = 100;
/** Keys, or records, of one answer. */
const PAGE_MAX = 1_000;

type Handle = (edge: Authenticated, id: string) => Promise<Answer>;
type AccessRoute = {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly handle: Handle;
};

const ERASE_PATH = "/admin/tenants/{id}/data";

const ACCESS_ROUTES: readonly AccessRoute[] = [
  { method: "GET", path: "/admin/keys", handle: list },
  { method: "POST", path: "/admin/keys", handle: create },
  { method: "GET", path: "/admin/keys/{id}", handle: show },
  { method: "PATCH", path: "/admin/keys/{id}", handle: edit },
  { method: "DELETE", path: "/admin/keys/{id}", handle: async (edge, id) => change(edge, id, { kind: "revoke" }) },
  { method: "POST", path: "/admin/keys/{id}/rotate", handle: rotate },
  { method: "GET", path: "/admin/audit", handle: audit },
  { method: "DELETE", path: ERASE_PATH, handle: async (edge, tenant) => eraseTenantData(edge, tenant) },
];

export type AdmitOperator = (
  edge: EdgeRequest,
  handler: (edge: Authenticated) => Promise<Answer> | Answer,
) => Promise<Answer>;

export async function routeAccess(edge: EdgeRequest, admit: AdmitOperator): Promise<Answer> {
  const { method } = edge.request;
  const asked = edge.path.split("/");
  const [, , , id = ""] = asked;
  const here = ACCESS_ROUTES.filter(({ path }) => {
    const segments = path.split("/");
    return segments.length === asked.length && segments.every((one, at) => one === "{id}" || one === asked[at]);
  });
  const route = here.find((one) => one.method === method || (method === "HEAD" && one.method === "GET"));
  if (here.length > 0 && route === undefined) {
    return { reason: "method_not_allowed", headers: [["allow", here.map((one) => one.method).join(", ")]] };
  }
  return admit(edge, async (known) => {
    if (route === undefined)
      return unknownAction("/admin", edge.path, ["keys", "keys/{id}", "keys/{id}/rotate", "tenants/{id}/data"]);
    const { access } = known.identity;
    if (access !== undefined && (access.pools !== null || access.models !== null)) return NARROWED;
    return hasRegistry(known.env) || route.path === ERASE_PATH ? route.handle(known, id) : NO_REGISTRY;
  });
}

async function list(edge: Authenticated): Promise<Answer> {
  const query = new URLSearchParams(edge.query);
  const limit = limitOf(query);
  if (limit === null) return WRONG_LIMIT;
  const [tenant, after] = [query.get("tenant"), query.get("after") ?? ""];
  const asked = await callRegistry(edge.env, "list", { tenant, after, limit: limit + 1 });
  if (!asked.ok) return UNREACHABLE;
  const names = pepperNames(edge);
  const shown = asked.value.slice(0, limit);
  const data = shown.map((key) => viewOf(key, names));
  const own = edge.runtime.config.keys.filter((key) => tenant === null || key.tenant === tenant);
  return answer(edge, 200, {
    object: "list",
    data,
    hasMore: asked.value.length > limit,
    // What the file has cannot be changed here.
    ...(after === "" ? { config: own.map((key) => staticView(key, names)) } : {}),
  });
}

async function show(edge: Authenticated, id: string): Promise<Answer> {
  const asked = await callRegistry(edge.env, "lookup", { ids: [id] });
  if (!asked.ok) return UNREACHABLE;
  const [key = null] = asked.value;
  return key === null ? UNKNOWN_KEY : answer(edge, 200, viewOf(key, pepperNames(edge)));
}

async function create(edge: Authenticated): Promise<Answer> {
  const json = await readOrder(edge);
  if (!json.ok) return json.error;
  const asked = readNewKey(json.value, edge.runtime.config, Date.now());
  if (!asked.ok) return asked.error;
  const { label, ...given } = asked.value;
  const [pepper = ""] = peppersOf(edge.env);
  if (pepperProblem(pepper) !== null) return { reason: "misconfigured" };
  const id = keyIdOf(hashKeyOf(pepper), label, randomPart([...crypto.getRandomValues(new Uint8Array(6))]));
  const { key, hmac } = await makeSecret(id, pepper);
  const made = await callRegistry(edge.env, "create", {
    key: { ...given, id, hmac, pepper: pepperMark(pepper) },
    order: orderOf(edge),
  });
  if (!made.ok) return UNREACHABLE;
  if (made.value === "full") return { reason: "invalid_request", detail: "The registry holds 100000 keys already." };
  // One in two thousand million, or an id of the config.
  if (made.value === "taken") return { reason: "internal", detail: "The id was taken. Send the request again." };
  ended(edge);
  return answer(edge, 201, { key, ...viewOf(made.value, pepperNames(edge)) });
}

async function edit(edge: Authenticated, id: string): Promise<Answer> {
  const json = await readOrder(edge);
  if (!json.ok) return json.error;
  const members = readKeyEdit(json.value, edge.runtime.config, Date.now());
  return members.ok ? change(edge, id, { kind: "edit", members: members.value }) : members.error;
}

async function rotate(edge: Authenticated, id: string): Promise<Answer> {
  const json = await readOrder(edge);
  if (!json.ok) return json.error;
  const overlapMs = readRotation(json.value);
  if (!overlapMs.ok) return overlapMs.error;
  const [pepper = ""] = peppersOf(edge.env);
  const { key, hmac } = await makeSecret(id, pepper);
  const order: KeyChange = { kind: "rotate", hmac, pepper: pepperMark(pepper), overlapMs: overlapMs.value };
  return change(edge, id, order, { key });
}

async function change(edge: Authenticated, id: string, order: KeyChange, shownOnce: object = {}): Promise<Answer> {
  if (edge.runtime.config.keys.some((key) => key.id === id)) return OF_THE_CONFIG;
  const changed = await callRegistry(edge.env, "change", { id, change: order, order: orderOf(edge) });
  if (!changed.ok) return UNREACHABLE;
  if (changed.value === null) return UNKNOWN_KEY;
  if (changed.value === "ended") return { reason: "invalid_request", detail: "The key has been revoked or is over." };
  if (changed.value === "two_are_live") return TWO_ARE_LIVE;
  ended(edge);
  return answer(edge, 200, { ...shownOnce, ...viewOf(changed.value, pepperNames(edge)) });
}

/** `?since=` a record's number, or an instant; `&limit=`; `&format=jsonl` for lines. */
async function audit(edge: Authenticated): Promise<Answer> {
  const query = new URLSearchParams(edge.query);
  const [since, limit] = [sinceOf(query.get("since")), limitOf(query)];
  if (limit === null) return WRONG_LIMIT;
  if (since === null) {
    const detail = "since is the number of a record, or an instant such as 2026-11-30T12:00:00Z.";
    return { reason: "invalid_request", detail, param: "since" };
  }
  const page = await callRegistry(edge.env, "audit", { since, limit });
  if (!page.ok) return UNREACHABLE;
  const { lines, ...where } = page.value;
  if (query.get("format") !== "jsonl") {
    return answer(edge, 200, { object: "list", data: lines.map((line) => JSON.parse(line) as unknown), ...where });
  }
  const headers: HeaderRecord = { "content-type": "application/x-ndjson", "cache-control": "no-store" };
  dress(headers, edge.requestId, edge.runtime.config);
  return new Response(lines.map((line) => `${line}\n`).join(""), { headers });
}

function sinceOf(text: string | null): AuditSince | null {
  if (text === null || /^\d{1,15}$/.test(text)) return { seq: Number(text ?? "0") };
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? null : { atMs };
}

function limitOf(query: URLSearchParams): number | null {
  const text = query.get("limit") ?? String(PAGE_DEFAULT);
  return /^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= PAGE_MAX ? Number(text) : null;
}

async function readOrder(edge: Authenticated): Promise<Result<unknown, Refusal>> {
  const bytes = await readBody(edge, ORDER_BYTES_MAX);
  if (!bytes.ok) return bytes;
  if (bytes.value.byteLength === 0) return ok({});
  const json = parseJson(bytes.value);
  return json === null ? err({ reason: "invalid_json" }) : ok(json);
}

async function makeSecret(id: string, pepper: string) {
  const key = formatKey(id, crypto.getRandomValues(new Uint8Array(32)));
  return { key, hmac: toHex(await keyHmac(key, pepper)) };
}

const orderOf = (edge: Authenticated): Order => ({
  actor: actorOf(edge),
  action: actionOf(edge),
  of: edge.told?.of ?? null,
});

/** The registry has recorded how it ended, together with the change. */
function ended({ told }: Authenticated): void {
  if (told !== undefined) told.isEnded = true;
}

/** By their marks. */
function pepperNames({ env }: Authenticated): ReadonlyMap<string, string> {
  const [present, ...old] = peppersOf(env).map(pepperMark);
  return new Map([...old.map((mark) => [mark, "old"] as const), [present ?? "", "present"]]);
}

/** Everything but the digests. */
function viewOf(key: KeyRecord, names: ReadonlyMap<string, string>) {
  const { secrets, createdAtMs, expiresAtMs, revokedAtMs, ...rest } = key;
  const now = Date.now();
  return {
    ...rest,
    status: standingOf(key, now),
    createdAt: isoOf(createdAtMs),
    expiresAt: isoOf(expiresAtMs),
    revokedAt: isoOf(revokedAtMs),
    secrets: secrets.map(({ pepper, createdAtMs: madeAtMs, endsAtMs }) => ({
      createdAt: isoOf(madeAtMs),
      endsAt: isoOf(endsAtMs),
      isLive: endsAtMs === null || now < endsAtMs,
      pepper: names.get(pepper) ?? "neither",
    })),
  };
}

function staticView(
  { hmac: _digest, pepper, access, expiresAtMs, ...rest }: ApiKeyEntry,
  names: ReadonlyMap<string, string>,
) {
  return {
    ...rest,
    ...access,
    expiresAt: isoOf(expiresAtMs),
    pepper: pepper === undefined ? "not known" : (names.get(pepper) ?? "neither"),
  };
}

const isoOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

/** Nobody keeps it: there may be a secret in it. */
function answer({ requestId, runtime }: EdgeRequest, status: number, value: unknown): Response {
  const headers: HeaderRecord = { "content-type": "application/json", "cache-control": "no-store" };
  dress(headers, requestId, runtime.config);
  return new Response(JSON.stringify(value), { status, headers });
}

const UNREACHABLE: Refusal = { reason: "keys_unavailable", detail: "The key registry did not answer. Send it again." };
const UNKNOWN_KEY: Refusal = { reason: "not_found", detail: "There is no key of this id. GET /admin/keys lists them." };
const WRONG_LIMIT: Refusal = {
  reason: "invalid_request",
  detail: `limit must be a whole number, 1 to ${PAGE_MAX}.`,
  param: "limit",
};
const NARROWED: Refusal = {
  reason: "forbidden",
  detail: "A key that is narrowed to some pools or models manages no keys and reads no records.",
};
const NO_REGISTRY: Refusal = {
  reason: "not_found",
  detail: "This deployment has no key registry: bind KEY_REGISTRY, as wrangler.toml of the project does.",
};
const OF_THE_CONFIG: Refusal = {
  reason: "invalid_request",
  detail: "This key is one of the config's: change it in warmpath.jsonc, and deploy.",
};
const TWO_ARE_LIVE: Refusal = {
  reason: "invalid_request",
  detail:
    'Two secrets of this key are live. Wait until the older one ends, or send {"overlapSeconds": 0} to end both now.',
  param: "overlapSeconds",
};
