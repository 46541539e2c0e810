/**
 * Where a place is on the map: the Natural Earth projection, in the units of the map's SVG.
 *
 * Source: T. Patterson and others, the polynomial of the Natural Earth projection (B. Šavrič, B. Jenny, 2011). A test
 * compares it with d3-geo, which draws the land (`tools/tables/world-land.ts`).
 */

export const MAP_WIDTH = 1_000;
/** From the north of Greenland to Cape Horn. */
export const MAP_HEIGHT = 440;
/** Where the equator is. */
export const MAP_CENTRE_Y = 258;
/** Width of the whole world at scale 1: the equator. */
export const PROJECTED_WIDTH = 2 * 0.8707 * Math.PI;

const RADIANS = Math.PI / 180;

export type Point = { readonly x: number; readonly y: number };

export function project({ lat, lon }: { readonly lat: number; readonly lon: number }): Point {
  const phi = lat * RADIANS;
  const phi2 = phi * phi;
  const phi4 = phi2 * phi2;
  const length = 0.8707 - 0.131979 * phi2 + phi4 * (-0.013791 + phi4 * (0.003971 * phi2 - 0.001529 * phi4));
  const distance = phi * (1.007226 + phi2 * (0.015085 + phi4 * (-0.044475 + 0.028874 * phi2 - 0.005916 * phi4)));
  const scale = MAP_WIDTH / PROJECTED_WIDTH;
  return { x: MAP_WIDTH / 2 + lon * RADIANS * length * scale, y: MAP_CENTRE_Y - distance * scale };
}
