/**
 * Round trips between ten regions of one cloud and where they lie: the default network of a scenario.
 *
 * Source: a sample of cloudping.co's measured matrix as published with a libp2p simulator, both directions averaged, ms
 * (docs/reference/sources.md, Round trips). Within a region 10 ms, because a client is not in the data centre. Public HTTP round
 * trips are often longer; a scenario that knows better gives its own `roundTripMs`.
 */

/** Order of rows and columns. `lon` in degrees: where it is noon when. */
export const AWS_REGIONS = [
  { name: "us-east", lon: -77.5 },
  { name: "us-west", lon: -119.7 },
  { name: "sa-east", lon: -46.6 },
  { name: "eu-west", lon: -6.3 },
  { name: "eu-central", lon: 8.7 },
  { name: "af-south", lon: 18.4 },
  { name: "ap-south", lon: 72.9 },
  { name: "ap-southeast", lon: 103.8 },
  { name: "ap-northeast", lon: 139.7 },
  { name: "au-southeast", lon: 151.2 },
] as const;

/** Round trip of a client to its own region, ms. */
export const SAME_REGION_ROUND_TRIP_MS = 10;

const MATRIX_MS: readonly (readonly number[])[] = [
  [10, 64, 114, 70, 92, 232, 186, 212, 146, 198],
  [64, 10, 174, 119, 140, 274, 218, 162, 98, 140],
  [114, 174, 10, 176, 204, 342, 298, 322, 256, 312],
  [70, 119, 176, 10, 26, 158, 120, 182, 201, 256],
  [92, 140, 204, 26, 10, 160, 110, 158, 223, 249],
  [232, 274, 342, 158, 160, 10, 158, 203, 356, 412],
  [186, 218, 298, 120, 110, 158, 10, 56, 124, 146],
  [212, 162, 322, 182, 158, 203, 56, 10, 68, 93],
  [146, 98, 256, 201, 223, 356, 124, 68, 10, 106],
  [198, 140, 312, 256, 249, 412, 146, 93, 106, 10],
];

/** Round trip between two of the regions above, ms; undefined when either name is not among them. */
export function awsRoundTripMs(from: string, to: string): number | undefined {
  return MATRIX_MS[indexOf(from)]?.[indexOf(to)];
}

/** Degrees east; undefined when the name is not among them. */
export function awsLongitude(region: string): number | undefined {
  return AWS_REGIONS[indexOf(region)]?.lon;
}

function indexOf(region: string): number {
  return AWS_REGIONS.findIndex(({ name }) => name === region);
}
