/** A report of the figures that an engine has told. */
import type { EngineReport } from "../../src/routing/core/endpoint/engine-report.ts";

type Figures = { readonly [Name in keyof EngineReport]: EngineReport[Name] | undefined };

/** No engine has as many tokens or requests: what is more is no figure. */
export const FIGURE_MAX = 1e12;

/** Without what is no figure; null: nothing is left. */
export function reportOf(figures: Figures): EngineReport | null {
  const told = Object.entries(figures).filter(([, value]) => Array.isArray(value) || isFigure(value));
  return told.length === 0 ? null : (Object.fromEntries(told) as EngineReport);
}

const isFigure = (value: unknown): value is number => typeof value === "number" && value >= 0 && value <= FIGURE_MAX;
