/** Decides the shape of what operators order about keys (`/admin/keys`): the members of a key are those of the config. */
import * as z from "zod";
import { LABEL_CHARS_MAX } from "../access/core/key-id.ts";
import { PRIORITIES, PRIORITY_DEFAULT } from "../routing/core/shard/priority.ts";
import { keyAccess, tenantId } from "./access-schema.ts";
import { SCOPES } from "./config-bounds.ts";
import { keyLimits } from "./limits-schema.ts";

/** Ten years: longer is "never". */
const LIFE_S_MAX = 315_360_000;
/** Thirty days: whoever has not changed a key by then never will. */
const OVERLAP_S_MAX = 2_592_000;
/** A day: a deployment of every client. */
const OVERLAP_S_DEFAULT = 86_400;

const LABEL = new RegExp(`^[a-z0-9](?:[a-z0-9-]{0,${LABEL_CHARS_MAX - 1}})$`);

const lifeS = z.int().min(1).max(LIFE_S_MAX).nullable();
const scopes = z.array(z.enum(SCOPES)).min(1);

export const newKey = z.strictObject({
  tenant: tenantId,
  label: z
    .string()
    .regex(LABEL, { error: `use 1 to ${LABEL_CHARS_MAX} of a-z 0-9 -, starting with a letter or a digit` })
    .default("key"),
  scopes: scopes.default(["infer"]),
  priorityMax: z.enum(PRIORITIES).default(PRIORITY_DEFAULT),
  expiresInSeconds: lifeS.default(null),
  limits: keyLimits.optional(),
  ...keyAccess,
});

/**
 * A member that is named takes the place of what the key has, whole; null takes it away. Its tenant is not among them: what
 * the key has used is that tenant's.
 */
export const keyEdit = z
  .strictObject({
    scopes,
    priorityMax: z.enum(PRIORITIES),
    expiresInSeconds: lifeS,
    limits: keyLimits.nullable(),
    models: keyAccess.models.nullable(),
    pools: keyAccess.pools.nullable(),
    addresses: keyAccess.addresses.nullable(),
    note: keyAccess.note,
  })
  .partial()
  .refine((members) => Object.keys(members).length > 0, {
    error: "name what is to change: scopes, priorityMax, expiresInSeconds, limits, models, pools, addresses, note",
  });

export const rotation = z.strictObject({
  overlapSeconds: z.int().min(0).max(OVERLAP_S_MAX).default(OVERLAP_S_DEFAULT),
});
