/**
 * A plot of the result: for each scenario and load a panel, for each policy a bar of its p99 as a ratio to the
 * best known clairvoyant, on a logarithmic axis, the best on top. Written by hand, so that it needs no
 * dependency and can be read as text.
 */
import { isUnstable, type ScenarioResult } from "../run.ts";

const PANEL = { width: 460, label: 150, row: 17, head: 44, foot: 30, gap: 24 } as const;

/** The axis: from just below the clairvoyant to where a difference no longer matters. */
const AXIS = { from: 0.9, to: 20, ticks: [1, 1.25, 1.5, 2, 3, 5, 10, 20] } as const;

const COLOURS = { good: "#2a7f62", fair: "#4472a8", poor: "#b0713a", unstable: "#a33b3b", grid: "#d8d8d8" } as const;

export function svgOf(results: readonly ScenarioResult[]): string {
  const rows = Math.max(1, ...results.map(({ routers }) => routers.length));
  const height = PANEL.head + rows * PANEL.row + PANEL.foot;
  const columns = Math.min(2, Math.max(1, results.length));
  const width = columns * (PANEL.width + PANEL.gap) + PANEL.gap;
  const total = Math.ceil(results.length / columns) * (height + PANEL.gap) + PANEL.gap + 28;
  const panels = results.map((result, index) => {
    const x = PANEL.gap + (index % columns) * (PANEL.width + PANEL.gap);
    const y = 28 + PANEL.gap + Math.floor(index / columns) * (height + PANEL.gap);
    return `<g transform="translate(${x} ${y})">${panelOf(result, rows)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${total}" viewBox="0 0 ${width} ${total}" font-family="system-ui, sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    `<text x="${PANEL.gap}" y="26" font-size="15">p99 time to first token, as a ratio to the best known clairvoyant</text>`,
    ...panels,
    "</svg>",
    "",
  ].join("\n");
}

function panelOf(result: ScenarioResult, rows: number): string {
  const { best } = result;
  const bottom = PANEL.head + rows * PANEL.row;
  const grid = AXIS.ticks.map((tick) => {
    const x = xOf(tick).toFixed(1);
    const dash = tick === 1 ? "" : ` stroke-dasharray="2 3"`;
    return `<line x1="${x}" x2="${x}" y1="${PANEL.head - 4}" y2="${bottom}" stroke="${tick === 1 ? "#555" : COLOURS.grid}"${dash}/><text x="${x}" y="${bottom + 14}" text-anchor="middle" fill="#555">${tick}</text>`;
  });
  const bars = [...result.routers]
    .sort((one, other) => one.ratioToBest.p99 - other.ratioToBest.p99)
    .map((router, index) => {
      const ratio = router.ratioToBest.p99;
      const unstable = isUnstable(router, best);
      const y = PANEL.head + index * PANEL.row;
      const end = xOf(Number.isFinite(ratio) ? ratio : AXIS.to);
      const figure = unstable ? "unstable" : Number.isFinite(ratio) ? ratio.toFixed(2) : "none served";
      const inside = end > PANEL.width - 52;
      const text = inside
        ? `x="${(end - 4).toFixed(1)}" text-anchor="end" fill="white"`
        : `x="${(end + 4).toFixed(1)}" fill="#333"`;
      return [
        `<text x="${PANEL.label - 6}" y="${y + 12}" text-anchor="end">${escaped(router.name)}</text>`,
        `<rect x="${PANEL.label}" y="${y + 2}" width="${Math.max(1, end - PANEL.label).toFixed(1)}" height="${PANEL.row - 4}" fill="${colourOf(ratio, unstable)}"/>`,
        `<text ${text} y="${y + 12}">${figure}</text>`,
      ].join("");
    });
  const title = `<text x="0" y="14" font-size="13" font-weight="600">${escaped(result.name)} at load ${result.load}</text>`;
  const bound = `<text x="0" y="30" fill="#555">${best.name}: p50 ${ms(best.ttftMs.p50)}, p99 ${ms(best.ttftMs.p99)}; ${result.seeds} x ${result.requests} requests</text>`;
  return [title, bound, ...grid, ...bars].join("\n");
}

function xOf(ratio: number): number {
  const share = Math.log(Math.min(AXIS.to, Math.max(AXIS.from, ratio)) / AXIS.from) / Math.log(AXIS.to / AXIS.from);
  return PANEL.label + share * (PANEL.width - PANEL.label - 8);
}

function colourOf(ratio: number, unstable: boolean): string {
  if (unstable || !Number.isFinite(ratio)) return COLOURS.unstable;
  if (ratio <= 1.1) return COLOURS.good;
  return ratio <= 1.5 ? COLOURS.fair : COLOURS.poor;
}

function ms(value: number | undefined): string {
  return value === undefined ? "-" : `${value.toFixed(0)} ms`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
