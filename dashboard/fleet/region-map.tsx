/** The regions on a map of the world. All that it shows is in the table beside it, so it is one picture to who listens. */
import { useComputed } from "@preact/signals";
import { shapeOf } from "../parts/state-mark.tsx";
import { store } from "../store/page-store.ts";
import { allRows } from "./fleet-view.ts";
import { placeLabels } from "./map-labels.ts";
import { MAP_HEIGHT, MAP_WIDTH, project } from "./projection.ts";
import type { Point } from "./projection.ts";
import { flowsOf, regionFigures } from "./region-figures.ts";
import type { Flow, RegionFigures } from "./region-figures.ts";
import { WORLD_LAND } from "./world-land.ts";

const RADIUS_MIN = 8;
const RADIUS_MAX = 13;

type Mark = Point & RegionFigures & { readonly radius: number; readonly text: string };

export function RegionMap() {
  const marks = useComputed(() => marksOf(regionFigures(allRows.value, store.frame.value?.fleet ?? [])));
  const labels = useComputed(() => placeLabels(marks.value));
  return (
    <figure class="map-box">
      <svg
        class="map"
        viewBox={`0 0 ${MAP_WIDTH} ${MAP_HEIGHT}`}
        role="img"
        aria-label="Map of the regions. The table of regions has the same data."
      >
        <defs>
          <marker
            id="map-arrow"
            viewBox="0 0 8 8"
            refX="6"
            refY="4"
            markerWidth="9"
            markerHeight="9"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path class="map-arrow" d="M0 0 8 4 0 8Z" />
          </marker>
        </defs>
        <path class="map-land" d={WORLD_LAND} />
        <Flows marks={marks.value} />
        {marks.value.map((mark) => (
          <RegionMark key={mark.region} mark={mark} />
        ))}
        {marks.value.map((mark, at) => {
          const label = labels.value[at] ?? null;
          if (label === null) return null;
          return (
            <text key={mark.region} class="map-label" x={label.x} y={label.y} text-anchor={label.anchor} dy="0.35em">
              {mark.text}
            </text>
          );
        })}
      </svg>
      <figcaption class="map-key">
        Ring: how much of the capacity is taken. Arrow: requests near one region that another answered.
      </figcaption>
    </figure>
  );
}

/** Large is much capacity; the ring is how much of it is taken. */
function RegionMark({ mark }: { readonly mark: Mark }) {
  const { x, y, radius, inFlight, capacity } = mark;
  const share = Math.min(1, (inFlight ?? 0) / Math.max(1, capacity ?? 0));
  const around = 2 * Math.PI * radius;
  const size = radius * 1.15;
  return (
    <g class={`map-mark state-${mark.mark}`} transform={`translate(${round(x)} ${round(y)})`}>
      <circle class="map-ground" r={radius + 2} />
      <circle class="map-ring" r={radius} />
      <circle
        class="map-load"
        r={radius}
        stroke-dasharray={`${round(share * around)} ${round(around)}`}
        transform="rotate(-90)"
      />
      <svg x={-size / 2} y={-size / 2} width={size} height={size} viewBox="0 0 16 16">
        <path d={shapeOf(mark.mark)} fill-rule="evenodd" />
      </svg>
    </g>
  );
}

function Flows({ marks }: { readonly marks: readonly Mark[] }) {
  const flows = useComputed(() => flowsOf(store.decisions.value));
  const places = new Map(marks.map((mark) => [mark.region, mark]));
  const most = Math.max(1, ...flows.value.map(({ count }) => count));
  return (
    <g class="map-flows">
      {flows.value.map((flow) => (
        <FlowArc
          key={`${flow.from} ${flow.to}`}
          flow={flow}
          from={places.get(flow.from)}
          to={places.get(flow.to)}
          most={most}
        />
      ))}
    </g>
  );
}

type ArcProps = {
  readonly flow: Flow;
  readonly from: Point | undefined;
  readonly to: Mark | undefined;
  readonly most: number;
};

function FlowArc({ flow, from, to, most }: ArcProps) {
  if (from === undefined || to === undefined) return null;
  const rise = Math.hypot(to.x - from.x, to.y - from.y) * 0.22;
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 - rise };
  // To the edge of the mark, where the arrow shows.
  const last = Math.hypot(to.x - middle.x, to.y - middle.y) || 1;
  const short = Math.min(0.5, (to.radius + 4) / last);
  const end = { x: to.x + (middle.x - to.x) * short, y: to.y + (middle.y - to.y) * short };
  const path = `M${round(from.x)} ${round(from.y)}Q${round(middle.x)} ${round(middle.y)} ${round(end.x)} ${round(end.y)}`;
  return (
    <path class="map-flow" d={path} stroke-width={round(1.5 + (2 * flow.count) / most)} marker-end="url(#map-arrow)" />
  );
}

function marksOf(regions: readonly RegionFigures[]): readonly Mark[] {
  const most = Math.max(1, ...regions.map(({ capacity }) => capacity ?? 0));
  return regions.flatMap((figures) => {
    if (figures.place === null) return [];
    const radius = RADIUS_MIN + (RADIUS_MAX - RADIUS_MIN) * Math.sqrt((figures.capacity ?? 0) / most);
    return [{ ...figures, ...project(figures.place), radius, text: figures.region }];
  });
}

const round = (value: number): number => Math.round(value * 10) / 10;
