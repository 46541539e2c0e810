/**
 * Whether anything limits a request: what it may ask for at most, and what its tenant and its key may still do. Who has no
 * limits pays a look-up here, and loads nothing.
 */
import { protocolOf } from "../dispatch/answer-format.ts";
import { part } from "../dispatch/part.ts";
import type { Admission } from "../tenants/budget-client.ts";
import type { Metering } from "../tenants/meter-of.ts";
import { beyondCaps } from "../wire/output-caps.ts";
import type { Refusal } from "../wire/refusal.ts";
import type { Authenticated } from "./edge-request.ts";
import type { Asked, Leasing } from "./metering.ts";

const meteringPart = part(async () => import("./metering.ts"));

/** Null: nothing but the deployment's caps limits it, and it is within those. */
export function limitsOn(edge: Authenticated, asked: Asked): Metering | Refusal | null | Promise<Metering | Refusal> {
  if (isLimited(edge)) {
    const metering = meteringPart.now();
    return metering === null
      ? meteringPart().then(({ meteringOf }) => meteringOf(edge, asked))
      : metering.meteringOf(edge, asked);
  }
  return isCapped(asked) ? beyondCaps(asked.json, edge.runtime.config.limits) : null;
}

/** By its key, its tenant, or what holds for every tenant. */
export function isLimited({ identity, runtime }: Authenticated): boolean {
  const { tenants, limits } = runtime.config;
  return (identity.limits ?? tenants.get(identity.tenant)?.limits ?? limits.perTenant) !== null;
}

/** The deployment's caps: a member of such a name may be anything where the protocol is not known. */
export const isCapped = ({ method, path }: Pick<Asked, "method" | "path">): boolean =>
  protocolOf(method, path) !== null;

/** What became of the question whether it may pass; null: it may, with the lease that it has. */
export function passLimits(
  admitting: Admission | Promise<Admission>,
  leasing: Leasing,
): null | ReturnType<MeteringPart["pass"]> {
  if (!(admitting instanceof Promise) && admitting.kind === "spent") return null;
  return meteringPart().then(async ({ pass }) => pass(admitting, leasing));
}

type MeteringPart = Awaited<ReturnType<typeof meteringPart>>;
