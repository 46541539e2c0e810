/**
 * Decides where a client is: from what the platform says of the connection, else where this router says that it is
 * itself, or, in development, from a header.
 */
import type { Place } from "../routing/core/pool.ts";
import { parsePlace, PLACE } from "../wire/headers.ts";
import type { Config } from "../config/config.ts";

export type ClientPlace = {
  readonly place: Place | null;
  /** Groups clients that share a round trip: the data centre they reached, else a rounded position. */
  readonly key: string;
  /** The data centre that they reached; null: not known. */
  readonly colo: string | null;
};

export function placeOf(
  request: Request<unknown, IncomingRequestCfProperties>,
  /** `place`: of the router, or null. */
  { config, place: own }: { readonly config: Config; readonly place: Place | null },
  dev: boolean,
): ClientPlace {
  if (dev) {
    const named = request.headers.get(PLACE);
    const place = named === null ? null : parsePlace(named, config.regions);
    if (place !== null) return { place, key: keyOf(place), colo: null };
  }
  const { cf } = request;
  // workerd alone says nothing but an address.
  if (cf?.colo === undefined && cf?.latitude === undefined) return alone(own);
  const place = parsePlace(`${cf.latitude},${cf.longitude}`, config.regions);
  const { colo = null } = cf;
  return { place, key: colo ?? (place === null ? "unknown" : keyOf(place)), colo };
}

const alone = (place: Place | null): ClientPlace => ({
  place,
  key: place === null ? "unknown" : keyOf(place),
  colo: null,
});

/**
 * Key of a place that no data centre stands for. About 100 km: closer clients cannot be told apart by their round
 * trips.
 */
export const keyOf = ({ lat, lon }: Place): string => `${Math.round(lat)},${Math.round(lon)}`;
