/**
 * Whether anybody is at an endpoint: asked right after an attempt of which not one byte came back, and before the next
 * job is sent there.
 *
 * The runtime has one word for a connection that was refused and one that broke after the request had been read. A look
 * at the endpoint's health path tells them apart well enough: whoever answers at all, whatever he says, was there. Only
 * an attempt that ended at once is excused by a look in vain: one that had run for a while ran.
 * Rejected: a look before each job (a trip for every job, for the sake of an outage), and a socket of our own (the
 * platform does not open one to addresses of its own network, where many endpoints are).
 */
import { egress } from "../../../backends/egress.ts";
import type { EdgeEndpoint } from "../../dispatch/runtime.ts";

/** A look that has no answer by then is one in vain, ms. */
const LOOK_MS_MAX = 5_000;

/** Within this a connection is refused, name look-up and handshake included, ms. */
export const REFUSED_WITHIN_MS = 2_000;

/** Endpoints in doubt; a pool has 64 at most. */
export class Reach {
  readonly #doubted = new Set<string>();

  /** The last word of it is that nobody is there. */
  isDoubted({ config }: EdgeEndpoint): boolean {
    return this.#doubted.has(config.id);
  }

  /** Never rejects. */
  async look({ config, target }: EdgeEndpoint): Promise<boolean> {
    const isThere = URL.parse(target.healthUrl)?.origin !== URL.parse(target.url)?.origin || (await answers(target));
    if (isThere) this.#doubted.delete(config.id);
    else this.#doubted.add(config.id);
    return isThere;
  }
}

async function answers(target: EdgeEndpoint["target"]): Promise<boolean> {
  const call = { method: "GET", path: null, headers: {}, body: null, signal: AbortSignal.timeout(LOOK_MS_MAX) };
  try {
    const response = await egress(target, call);
    await response.body?.cancel();
    return true;
  } catch {
    return false;
  }
}
