/**
 * Writes the land of the world as one SVG path, for the dashboard's map.
 *
 * Model. Natural Earth's coarse land (1:110 million) in the Natural Earth projection, `MAP_WIDTH` wide, in whole numbers.
 * The page places its regions by the same formula (`dashboard/fleet/projection.ts`), and a test compares the two.
 * Antarctica is left out: no GPU is there, and it takes a fifth of the height. So are islands that would be a dot.
 * Rejected: a map library at run time, which weighs 31 KB gzipped where the path weighs less than half; finer data, which does not
 * show at this size.
 */
import { readFileSync } from "node:fs";
import { geoNaturalEarth1, geoPath } from "d3-geo";
import { feature } from "topojson-client";
import type { Generated } from "../cli/generated.ts";
import { MAP_CENTRE_Y, MAP_WIDTH, PROJECTED_WIDTH } from "../../dashboard/fleet/projection.ts";
import { versionOf } from "./package-version.ts";

/** South of this a piece of land is Antarctica's, degrees. */
const ANTARCTICA_LAT = -60;

/** Less land than this is no more than a dot, square units of the map. */
const AREA_MIN = 3;

type Atlas = Parameters<typeof feature>[0] & { readonly objects: { readonly land: Parameters<typeof feature>[1] } };

export const worldLand: Generated = {
  path: "dashboard/fleet/world-land.ts",
  source: "world-atlas",
  text: () =>
    [
      "/**",
      " * Made by `npm run tables`: the land of the world as one SVG path, in the units of `projection.ts`.",
      ` * Source: Natural Earth (public domain), as world-atlas ${versionOf("world-atlas")} (ISC) has it.`,
      " */",
      "export const WORLD_LAND =",
      ...wrapped(landPath()),
      "",
    ].join("\n"),
};

function landPath(): string {
  const file = new URL("../../node_modules/world-atlas/land-110m.json", import.meta.url);
  const atlas = JSON.parse(readFileSync(file, "utf8")) as Atlas;
  const land = feature(atlas, atlas.objects.land);
  const shapes = land.type === "FeatureCollection" ? land.features : [land];
  const projection = geoNaturalEarth1()
    .scale(MAP_WIDTH / PROJECTED_WIDTH)
    .translate([MAP_WIDTH / 2, MAP_CENTRE_Y]);
  const draw = geoPath(projection).digits(0);
  const pieces = shapes.flatMap(({ geometry }) => (geometry.type === "MultiPolygon" ? geometry.coordinates : []));
  return pieces
    .filter((rings) => rings.some((points) => points.some(([, lat = 0]) => lat > ANTARCTICA_LAT)))
    .map((coordinates) => ({ type: "Polygon" as const, coordinates }))
    .filter((piece) => draw.area(piece) >= AREA_MIN)
    .map((piece) => relative(draw(piece) ?? ""))
    .join("");
}

/** Steps in place of places: a third of the bytes. */
function relative(path: string): string {
  return [...path.matchAll(/M([^MZ]+)Z/g)].map(([, points = ""]) => ring(points)).join("");
}

function ring(points: string): string {
  let [x, y] = [0, 0];
  const steps = points.split("L").flatMap((point, at) => {
    const [toX = 0, toY = 0] = point.split(",").map(Number);
    const [dx, dy] = [toX - x, toY - y];
    if (at > 0 && dx === 0 && dy === 0) return [];
    [x, y] = [toX, toY];
    return [at === 0 ? `M${toX},${toY}l` : `${dx},${dy}`];
  });
  const [start = "", ...rest] = steps;
  return `${start}${rest.join(" ").replaceAll(" -", "-").replaceAll(",-", "-")}Z`;
}

/** Lines of a width that a person can scroll past. */
function wrapped(path: string): readonly string[] {
  const lines = path.match(/.{1,110}/g) ?? [];
  return lines.map((line, at) => `  "${line}"${at === lines.length - 1 ? ";" : " +"}`);
}
