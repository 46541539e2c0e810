import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FAILED_OUTCOMES, OWN_LIMITS } from "../../../src/sight/core/fault.ts";
import { COUNTED, NOW, OWN } from "../../../src/sight/core/metric-names.ts";
import type { Metric } from "../../../src/sight/core/metric-names.ts";

const read = (name: string): string => readFileSync(join(import.meta.dirname, "../../../grafana", name), "utf8");

/** Every name that a scrape has, those of a histogram's parts too. */
const METRICS: readonly Metric[] = Object.values({ ...COUNTED, ...OWN, ...NOW });
const NAMES = new Set(
  METRICS.flatMap(({ name, kind }) =>
    kind === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  ),
);
const LABELS = new Set([...METRICS.flatMap(({ labels }) => labels), "le", "job", "instance"]);

const namesIn = (text: string): readonly string[] => text.match(/\b(?:warmpath|gen_ai)_[a-z_]+(?=[{[) ]|$)/gm) ?? [];

type Panel = {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
};
type Dashboard = {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
  readonly time: { readonly from: string; readonly to: string };
};

describe("the Grafana dashboard", () => {
  const dashboard = JSON.parse(read("warmpath.json")) as Dashboard;
  const panels = dashboard.panels.filter(({ type }) => type !== "row");
  const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

  test("asks for metrics that there are, by labels that they have", () => {
    expect(queries.length).toBeGreaterThan(30);
    for (const expr of queries) {
      const names = namesIn(expr);
      expect(names, expr).not.toEqual([]);
      expect(names.filter((name) => !NAMES.has(name))).toEqual([]);
      const grouped = [...expr.matchAll(/by \(([^)]+)\)/g)].flatMap(([, labels = ""]) => labels.split(/, ?/));
      const matched = [...expr.matchAll(/[{,](\w+)(?:=~?|!=|!~)"/g)].map(([, label = ""]) => label);
      expect([...grouped, ...matched].filter((label) => !LABELS.has(label))).toEqual([]);
    }
  });

  test("shows every metric that is counted, but for plain sums of bytes and what usage did not tell", () => {
    const shown = new Set(queries.flatMap(namesIn).map((name) => name.replace(/_bucket$/, "")));
    const left = Object.values(COUNTED).flatMap(({ name }) => (shown.has(name) ? [] : [name]));
    expect(left).toEqual([COUNTED.usageUnknown.name, COUNTED.requestBytes.name, COUNTED.responseBytes.name]);
  });

  test("has what Grafana needs of a dashboard that is imported", () => {
    expect(dashboard).toMatchObject({ uid: "warmpath", title: "Warmpath", time: { to: "now" } });
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36);
    expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toEqual([
      ["datasource", "datasource"],
      ["pool", "query"],
    ]);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    for (const { targets = [], datasource, gridPos } of panels) {
      expect(datasource).toEqual({ type: "prometheus", uid: "${datasource}" });
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    }
    const places = dashboard.panels.map(({ gridPos: { x, y } }) => `${x} ${y}`);
    expect(new Set(places).size).toBe(places.length);
  });
});

test("the alert rules count as failed what the router itself does", () => {
  const rules = read("warmpath-alerts.yml");
  expect(rules).toContain(`outcome=~"${FAILED_OUTCOMES.join("|")}",reason!~"${OWN_LIMITS.join("|")}"`);
});

test("the alert rules ask for metrics that there are", () => {
  const names = namesIn(read("warmpath-alerts.yml"));
  expect(names.length).toBeGreaterThan(8);
  expect(names.filter((name) => !NAMES.has(name))).toEqual([]);
});
