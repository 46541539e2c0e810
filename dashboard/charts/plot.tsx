/**
 * One drawing of lines over time. uPlot draws it; here are its colours, its size and its data, and nothing that a reader
 * has to see to know what it says: that is in `chart.tsx`, as text.
 *
 * Colours are properties of the page's style sheet, read when something is drawn, so that a theme is one place. Each line
 * has its own dashes too: colour alone tells nobody anything.
 */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { theme } from "../theme.ts";
import type { Columns } from "./points.ts";

export type Line = {
  readonly name: string;
  /** The style sheet's `--series-1` and so on. */
  readonly colour: 1 | 2 | 3 | 4 | 5;
  readonly dash?: readonly number[];
  /** On the right-hand scale. */
  readonly right?: boolean;
  readonly fill?: boolean;
};

type PlotProps = {
  readonly lines: readonly Line[];
  readonly columns: Columns;
  readonly fromS: number;
  readonly toS: number;
  readonly format: (value: number) => string;
  readonly formatRight?: ((value: number) => string) | undefined;
  /** Index of the point under the pointer; null: none. */
  readonly onPoint: (index: number | null) => void;
};

const HEIGHT_PX = 168;
const SYNC = "warmpath";

export function Plot({ lines, columns, fromS, toS, format, formatRight, onPoint }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const range = useRef<[number, number]>([fromS, toS]);
  range.current = [fromS, toS];

  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const drawn = new uPlot(
      optionsOf({ element, lines, range, format, formatRight, onPoint }),
      dataOf(columns),
      element,
    );
    plot.current = drawn;
    const resized = new ResizeObserver(() => drawn.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    resized.observe(element);
    const themes = matchMedia("(prefers-color-scheme: dark)");
    const recolour = (): void => drawn.redraw(false, true);
    themes.addEventListener("change", recolour);
    const unfollow = theme.subscribe(recolour);
    return () => {
      unfollow();
      themes.removeEventListener("change", recolour);
      resized.disconnect();
      drawn.destroy();
      plot.current = null;
    };
    // Made once: the lines of a chart are constants of the page.
  }, []);

  useEffect(() => plot.current?.setData(dataOf(columns)), [columns, fromS, toS]);

  return <div class="plot" ref={place} aria-hidden="true" />;
}

/** uPlot does not write into what it is given, and its type does not say so. */
const dataOf = ({ xs, ys }: Columns): uPlot.AlignedData => [[...xs], ...ys.map((values) => [...values])];

type Making = Pick<PlotProps, "lines" | "format" | "formatRight" | "onPoint"> & {
  readonly element: HTMLElement;
  readonly range: { readonly current: [number, number] };
};

function optionsOf({ element, lines, range, format, formatRight, onPoint }: Making): uPlot.Options {
  const colour = colourReader(element);
  const axis = (scale: string, size: number): uPlot.Axis => ({
    scale,
    size,
    font: "11px system-ui, sans-serif",
    stroke: colour("--ink-2"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  });
  const numbers = (scale: string, write: (value: number) => string): uPlot.Axis => ({
    ...axis(scale, 52),
    values: (_, values) => values.map(write),
  });
  const right: uPlot.Axis[] =
    formatRight === undefined ? [] : [{ ...numbers("right", formatRight), side: 1, grid: { show: false } }];
  return {
    width: element.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, sync: { key: SYNC }, points: { size: 7 } },
    scales: { x: { range: () => range.current }, y: { range: fromZero }, right: { range: fromZero } },
    axes: [{ ...axis("x", 24), space: 72, values: times }, numbers("y", format), ...right],
    series: [
      {},
      ...lines.map((line): uPlot.Series => {
        const stroke = colour(`--series-${line.colour}`);
        return {
          scale: line.right === true ? "right" : "y",
          stroke,
          width: 2,
          spanGaps: false,
          points: { show: false },
          ...(line.dash === undefined ? {} : { dash: [...line.dash] }),
          ...(line.fill === true ? { fill: () => faint(stroke()) } : {}),
        };
      }),
    ],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
  };
}

const DAY_S = 86_400;
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DATE = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric" });

/** One line each: the clock, or the day where the marks are days apart. */
function times(_: uPlot, marks: number[]): string[] {
  const gapS = (marks[1] ?? 0) - (marks[0] ?? 0);
  return marks.map((atS) => (gapS >= DAY_S ? DATE : CLOCK).format(atS * 1_000));
}

/** What a property of the style sheet is in the theme of this moment: a canvas cannot read `light-dark()`. */
function colourReader(element: HTMLElement): (name: string) => () => string {
  const probe = document.createElement("i");
  element.append(probe);
  return (name) => () => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
}

/** `rgb(1, 2, 3)` as a veil. */
const faint = (colour: string): string => colour.replace(/^rgb\((.*)\)$/, "rgba($1, 0.12)");

/** A line at the bottom is 0, whatever else there is. */
const fromZero = (_: uPlot, __: number | null, max: number | null): uPlot.Range.MinMax => [
  0,
  max === null || max <= 0 ? 1 : max * 1.1,
];
