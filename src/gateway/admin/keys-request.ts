/** Decides what `POST /admin/keys`, a change and a rotation may ask: shapes by a schema, and what must exist or be readable besides. */
import { keyEdit, newKey, rotation } from "../../config/orders-schema.ts";
import type { Config } from "../../config/config.ts";
import { readNetwork } from "../../access/core/addresses.ts";
import type { KeyEdit, KeyReach } from "../../access/core/key-record.ts";
import type { NewKey } from "../../access/core/registry-calls.ts";
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import type { Refusal } from "../../wire/refusal.ts";

export type KeyAsked = Omit<NewKey, "id" | "hmac" | "pepper"> & { readonly label: string };

/** `parsed`: what JSON.parse gave. */
export function readNewKey(parsed: unknown, config: Config, nowMs: number): Result<KeyAsked, Refusal> {
  const read = shaped(newKey, parsed);
  if (!read.ok) return read;
  const { expiresInSeconds, models = null, pools = null, addresses = null, note = "", ...same } = read.value;
  const reach = { models, pools, addresses };
  const strange = strangeIn(reach, config);
  return strange === null ? ok({ ...same, ...reach, note, expiresAtMs: endOf(expiresInSeconds, nowMs) }) : err(strange);
}

/** What is named, as the registry keeps it. */
export function readKeyEdit(parsed: unknown, config: Config, nowMs: number): Result<KeyEdit, Refusal> {
  const read = shaped(keyEdit, parsed);
  if (!read.ok) return read;
  const { expiresInSeconds, limits, ...same } = read.value;
  const strange = strangeIn(same, config);
  if (strange !== null) return err(strange);
  // What JSON does not name, zod does not make: no member is undefined.
  return ok({
    ...same,
    ...(limits !== undefined && { limits: limits ?? undefined }),
    ...(expiresInSeconds !== undefined && { expiresAtMs: endOf(expiresInSeconds, nowMs) }),
  } as KeyEdit);
}

const endOf = (seconds: number | null, nowMs: number): number | null =>
  seconds === null ? null : nowMs + seconds * 1_000;

/** For how long the secret before it goes on, ms. */
export function readRotation(parsed: unknown): Result<number, Refusal> {
  const read = shaped(rotation, parsed ?? {});
  return read.ok ? ok(read.value.overlapSeconds * 1_000) : read;
}

type Shape<Value> = {
  safeParse(value: unknown):
    | { readonly success: true; readonly data: Value }
    | {
        readonly success: false;
        readonly error: {
          readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
        };
      };
};

function shaped<Value>(shape: Shape<Value>, parsed: unknown): Result<Value, Refusal> {
  const read = shape.safeParse(parsed);
  if (read.success) return ok(read.data);
  const [issue] = read.error.issues;
  const param = issue?.path.join(".") ?? "";
  const detail = `${param === "" ? "The body" : param}: ${issue?.message ?? "not valid"}.`;
  return err({ reason: "invalid_request", detail, ...(param === "" ? {} : { param }) });
}

type Named = { readonly [Member in keyof KeyReach]?: KeyReach[Member] | undefined };

function strangeIn({ pools, models, addresses }: Named, config: Config): Refusal | null {
  return (
    missing("pools", pools ?? null, config.pools) ??
    missing("models", models ?? null, config.poolIdByModel) ??
    unreadable(addresses ?? [])
  );
}

/** A misspelt name would narrow a key to nothing, and nobody would know why. */
function missing(param: string, names: readonly string[] | null, known: ReadonlyMap<string, unknown>): Refusal | null {
  const name = names?.find((one) => !known.has(one));
  if (name === undefined) return null;
  const detail = `${param}: there is no "${name}". There are ${[...known.keys()].slice(0, 20).join(", ")}.`;
  return { reason: "invalid_request", detail, param };
}

function unreadable(addresses: readonly string[]): Refusal | null {
  const address = addresses.find((one) => readNetwork(one) === null);
  if (address === undefined) return null;
  const detail = `addresses: ${address} is no address and no network, such as 203.0.113.0/24 or 2001:db8::/32.`;
  return { reason: "invalid_request", detail, param: "addresses" };
}
