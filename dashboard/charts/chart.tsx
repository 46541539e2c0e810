/**
 * One chart with all that it says in words: its lines by name with their last values, or those under the pointer, and the
 * same numbers as a table for who cannot see lines or wants to copy them.
 */
import { useState } from "preact/hooks";
import { UNKNOWN } from "../store/format.ts";
import type { Columns } from "./points.ts";
import { type Line, Plot } from "./plot.tsx";

/** Rows of the table: about one for each second line of a screen. The newest are shown. */
const TABLE_ROWS_MAX = 60;

export type ChartProps = {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly columns: Columns;
  readonly fromS: number;
  readonly toS: number;
  readonly format: (value: number) => string;
  readonly formatRight?: ((value: number) => string) | undefined;
};

export function Chart({ title, lines, columns, fromS, toS, format, formatRight }: ChartProps) {
  const [point, setPoint] = useState<number | null>(null);
  const { xs, ys } = columns;
  const shown = point !== null && point < xs.length ? point : xs.length - 1;
  const write = (line: Line, value: number | null | undefined): string =>
    value === null || value === undefined ? UNKNOWN : (line.right === true ? (formatRight ?? format) : format)(value);
  const at = xs[shown];
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <ul class="chart-lines">
          {lines.map((line, index) => (
            <li key={line.name}>
              <Swatch line={line} />
              <span class="chart-name">{line.name}</span>
              <b>{write(line, ys[index]?.[shown])}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      {xs.length === 0 ? (
        <p class="chart-empty">Nothing was counted in this time.</p>
      ) : (
        <Plot {...{ lines, columns, fromS, toS, format, formatRight }} onPoint={setPoint} />
      )}
      <Numbers {...{ title, lines, columns, write }} />
      <span class="chart-when" aria-hidden="true">
        {point === null || at === undefined ? "" : timeOf(at)}
      </span>
    </figure>
  );
}

/** The line as it is drawn, dashes and all. */
function Swatch({ line: { colour, dash } }: { readonly line: Line }) {
  return (
    <svg class={`swatch swatch-${colour}`} width="22" height="8" aria-hidden="true">
      <line x1="0" y1="4" x2="22" y2="4" stroke-dasharray={dash?.join(" ")} />
    </svg>
  );
}

type NumbersProps = Pick<ChartProps, "title" | "lines" | "columns"> & {
  readonly write: (line: Line, value: number | null | undefined) => string;
};

/** Its rows are there only while it is open. */
function Numbers({ title, lines, columns: { xs, ys }, write }: NumbersProps) {
  const [open, setOpen] = useState(false);
  const step = Math.max(1, Math.ceil(xs.length / TABLE_ROWS_MAX));
  const rows = open ? xs.map((_, index) => index).filter((index) => (xs.length - 1 - index) % step === 0) : [];
  return (
    <details class="chart-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Show as table<span class="unseen">: {title}</span>
      </summary>
      {open && (
        <div class="table-box" tabIndex={0} role="region" aria-label={`${title}, as a table`}>
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Time</th>
                {lines.map(({ name }) => (
                  <th scope="col" key={name}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.toReversed().map((index) => (
                <tr key={xs[index]}>
                  <th scope="row">{timeOf(xs[index] ?? 0)}</th>
                  {lines.map((line, column) => (
                    <td key={line.name}>{write(line, ys[column]?.[index])}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

const HOUR = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
const CLOCK = new Intl.DateTimeFormat(undefined, { ...HOUR, second: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { ...HOUR, weekday: "short" });
const DAY_S = 86_400;

/** A time of today by the clock, an older one with its day. */
function timeOf(atS: number): string {
  const isRecent = Date.now() / 1_000 - atS < DAY_S / 2;
  return (isRecent ? CLOCK : DAY).format(atS * 1_000);
}
