/**
 * Decides where the names of regions stand on the map, so that none covers a mark or another name.
 *
 * Model. Each name is tried to the right of its mark, to the left, above and below, in the order of the list, and takes
 * the first place where nothing is yet. One that fits nowhere is left out: the table beside the map has it.
 */
import type { Point } from "./projection.ts";
import { MAP_HEIGHT, MAP_WIDTH } from "./projection.ts";

type Anchor = "start" | "middle" | "end";
export type Label = Point & { readonly anchor: Anchor };

type Box = { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number };

/** Of the map's text, in its units: a little more than a digit takes. */
const CHAR_WIDTH = 8.4;
const LINE_HEIGHT = 16;
const GAP = 4;

export type Marked = Point & { readonly radius: number; readonly text: string };

export function placeLabels(marks: readonly Marked[]): readonly (Label | null)[] {
  const taken: Box[] = marks.map(({ x, y, radius }) => boxOf(x - radius, y, 2 * radius, 2 * radius));
  return marks.map((mark, own) => {
    const place = placesOf(mark).find(
      ({ box }) => isOnMap(box) && taken.every((one, at) => at === own || !meets(one, box)),
    );
    if (place === undefined) return null;
    taken.push(place.box);
    return place.label;
  });
}

function placesOf({ x, y, radius, text }: Marked): readonly { readonly label: Label; readonly box: Box }[] {
  const width = text.length * CHAR_WIDTH;
  const aside = radius + GAP;
  const above = radius + GAP + LINE_HEIGHT / 2;
  const middle = x - width / 2;
  return [
    { label: { x: x + aside, y, anchor: "start" }, box: boxOf(x + aside, y, width, LINE_HEIGHT) },
    { label: { x: x - aside, y, anchor: "end" }, box: boxOf(x - aside - width, y, width, LINE_HEIGHT) },
    { label: { x, y: y - above, anchor: "middle" }, box: boxOf(middle, y - above, width, LINE_HEIGHT) },
    { label: { x, y: y + above, anchor: "middle" }, box: boxOf(middle, y + above, width, LINE_HEIGHT) },
  ];
}

const boxOf = (left: number, centreY: number, width: number, height: number): Box => ({
  left,
  right: left + width,
  top: centreY - height / 2,
  bottom: centreY + height / 2,
});

const meets = (one: Box, other: Box): boolean =>
  one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;

const isOnMap = ({ left, right, top, bottom }: Box): boolean =>
  left >= 0 && right <= MAP_WIDTH && top >= 0 && bottom <= MAP_HEIGHT;
