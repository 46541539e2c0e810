/** How the fleet did: five charts over one range of time, of the router's minutes and this page's seconds. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Section } from "../parts/section.tsx";
import { formatCount, formatMs } from "../store/format.ts";
import { store } from "../store/page-store.ts";
import { Chart } from "./chart.tsx";
import { loadMinutes, pointOf } from "./history.ts";
import type { Line } from "./plot.tsx";
import { columnsOf, joined, type Point, type PointName, withSeen } from "./points.ts";

const RANGES = [
  [15, "15 min"],
  [60, "1 h"],
  [1_440, "24 h"],
  [10_080, "7 d"],
] as const;

const MINUTE_MS = 60_000;

const minutes = signal<number>(15);
/** Null: not asked yet, or the router keeps none. */
const kept = signal<{ readonly minutes: number; readonly points: readonly Point[] | null } | null>(null);
const seen = signal<readonly Point[]>([]);

type Plan = {
  readonly title: string;
  readonly lines: readonly (Line & { readonly of: PointName })[];
  readonly format: (value: number) => string;
  readonly formatRight?: (value: number) => string;
};

const DASHED = [6, 4];
const DOTTED = [2, 3];

const CHARTS: readonly Plan[] = [
  {
    title: "Time to first token",
    format: formatMs,
    lines: [
      { name: "p50", of: "ttftP50Ms", colour: 1 },
      { name: "p95", of: "ttftP95Ms", colour: 2, dash: DASHED },
      { name: "p99", of: "ttftP99Ms", colour: 3, dash: DOTTED },
    ],
  },
  {
    title: "Requests and errors, a second",
    format: formatCount,
    lines: [
      { name: "requests", of: "requestsPerS", colour: 1, fill: true },
      { name: "errors", of: "errorsPerS", colour: 5, dash: DASHED },
    ],
  },
  {
    title: "In flight against capacity",
    format: formatCount,
    lines: [
      { name: "in flight", of: "inFlight", colour: 1, fill: true },
      { name: "capacity", of: "capacity", colour: 2, dash: DASHED },
    ],
  },
  {
    title: "Queue: how many, and for how long",
    format: formatCount,
    formatRight: formatMs,
    lines: [
      { name: "waiting for a slot", of: "queued", colour: 1, fill: true },
      { name: "oldest job", of: "oldestQueuedMs", colour: 3, dash: DASHED, right: true },
    ],
  },
  {
    title: "Spills, retries and hedges, a minute",
    format: formatCount,
    lines: [
      { name: "spills", of: "spillsPerMin", colour: 1 },
      { name: "retries", of: "retriesPerMin", colour: 4, dash: DASHED },
      { name: "hedges", of: "hedgesPerMin", colour: 3, dash: DOTTED },
    ],
  },
];

export function Charts() {
  const range = minutes.value;
  const frame = store.frame.value;
  useEffect(() => {
    const point = frame === null ? null : pointOf(frame);
    if (point !== null) seen.value = withSeen(seen.peek(), point);
  }, [frame]);
  useEffect(() => {
    let stopped = false;
    const load = async (): Promise<void> => {
      const points = await loadMinutes(range);
      if (!stopped) kept.value = { minutes: range, points };
    };
    void load();
    const again = setInterval(() => void load(), MINUTE_MS);
    return () => {
      stopped = true;
      clearInterval(again);
    };
  }, [range]);
  return (
    <Section id="charts" title="Charts" note={noteOf()} actions={<RangeSwitch />}>
      <div class="charts">
        {CHARTS.map((plan) => (
          <Planned key={plan.title} plan={plan} />
        ))}
      </div>
    </Section>
  );
}

function Planned({ plan: { title, lines, format, formatRight } }: { readonly plan: Plan }) {
  const range = minutes.value;
  const points = joined(kept.value?.minutes === range ? (kept.value.points ?? []) : [], seen.value);
  const nowMs = points.at(-1)?.atMs ?? Date.now();
  const rangeMs = range * MINUTE_MS;
  const columns = columnsOf(
    points,
    lines.map(({ of }) => of),
    { nowMs, rangeMs },
  );
  return (
    <Chart {...{ title, lines, columns, format, formatRight }} fromS={(nowMs - rangeMs) / 1_000} toS={nowMs / 1_000} />
  );
}

function noteOf(): string {
  if (kept.value !== null && kept.value.points === null) {
    return "The router keeps no history here: these are the seconds since this page was opened.";
  }
  return "By minute, and the last moments by second. The worst of a span is shown for times, the mean for rates.";
}

function RangeSwitch() {
  return (
    <fieldset class="switch">
      <legend class="unseen">Range of time</legend>
      {RANGES.map(([value, name]) => (
        <label key={value}>
          <input
            type="radio"
            name="range"
            value={value}
            checked={minutes.value === value}
            onChange={() => (minutes.value = value)}
          />
          <span>{name}</span>
        </label>
      ))}
    </fieldset>
  );
}
