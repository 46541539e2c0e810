/**
 * Decides under which name a client gets the id of a response, so that whoever asks for it again is led to the endpoint that
 * may keep it, and nobody else's is found.
 *
 * Model. The name holds the endpoint's own id, the endpoint, and a hash of both under a secret of the deployment and the tenant. So
 * nothing is kept here: every isolate knows the way, over restarts, for as long as the endpoint keeps the response.
 * One that another tenant was given, or nobody, does not have the hash, and is answered as one that there is not.
 * Rejected: a map of ids in an object, which is a write for each answer, has an end, and is lost with its object.
 */
import { keyedHash } from "../lib/keyed-hash.ts";
import type { HashKey } from "../lib/keyed-hash.ts";

/** In no endpoint's id, and in a path it stands for itself. */
const APART = "~";
const HEAD = "resp_";

export type Home = { readonly endpointId: string; readonly id: string };

export const homeName = (secret: HashKey, tenant: string, { endpointId, id }: Home): string =>
  `${HEAD}${markOf(secret, tenant, endpointId, id)}${APART}${endpointId}${APART}${id}`;

/** Null: it is no name that this tenant was given. */
export function homeOf(secret: HashKey, tenant: string, name: string): Home | null {
  if (!name.startsWith(HEAD)) return null;
  const [mark, endpointId, ...rest] = name.slice(HEAD.length).split(APART);
  const id = rest.join(APART);
  if (endpointId === undefined || id === "") return null;
  return markOf(secret, tenant, endpointId, id) === mark ? { endpointId, id } : null;
}

const markOf = (secret: HashKey, tenant: string, endpointId: string, id: string): string =>
  keyedHash(secret, `r ${tenant} ${endpointId} ${id}`);
