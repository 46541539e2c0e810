/**
 * The Grafana dashboard, made of the names' file, so that no panel asks for a metric that there is not.
 *
 * Model. Rows from what a person looks at first down to the feed itself; every panel a query over the last rate interval, by
 * pool where that helps. The data source and the pool are variables.
 * Rejected: a dashboard exported from Grafana, of which nobody can say what was meant by it.
 */
import { FAILED_OUTCOMES, OWN_LIMITS } from "../../src/sight/core/fault.ts";
import { COUNTED, NOW, OWN } from "../../src/sight/core/metric-names.ts";

type Unit = "reqps" | "s" | "percentunit" | "short" | "ops" | "bytes";

type Query = { readonly expr: string; readonly legend: string };

type PanelPlan = {
  readonly title: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  readonly what?: string;
};

const POOL = 'pool=~"$pool"';
const NOT_OWN = `reason!~"${OWN_LIMITS.join("|")}"`;
const rate = (name: string, by: string, where = POOL): string =>
  `sum by (${by}) (rate(${name}{${where}}[$__rate_interval]))`;
const quantile = (q: number, name: string, by = ""): string =>
  `histogram_quantile(${q}, sum by (le${by === "" ? "" : `, ${by}`}) (rate(${name}_bucket{${POOL}}[$__rate_interval])))`;
const gauge = (name: string, by: string): string => `sum by (${by}) (${name}{${POOL}})`;
const percentiles = (name: string): readonly Query[] =>
  [0.5, 0.95, 0.99].map((q) => ({ expr: quantile(q, name), legend: `p${q * 100}` }));

const ROWS: readonly { readonly title: string; readonly panels: readonly PanelPlan[] }[] = [
  {
    title: "Requests",
    panels: [
      {
        title: "Requests by outcome",
        unit: "reqps",
        queries: [{ expr: rate(COUNTED.requests.name, "outcome"), legend: "{{outcome}}" }],
      },
      {
        title: "Share that failed",
        unit: "percentunit",
        what: "Of those that were served and those that failed; what a client did itself, its own limits included, is neither.",
        queries: [
          {
            // Without a failure there is no series of one, and nothing added to something is nothing.
            expr: `(sum(rate(${COUNTED.requests.name}{${POOL},outcome=~"${FAILED_OUTCOMES.join("|")}",${NOT_OWN}}[$__rate_interval])) or vector(0)) / sum(rate(${COUNTED.requests.name}{${POOL},outcome=~"${["served", ...FAILED_OUTCOMES].join("|")}",${NOT_OWN}}[$__rate_interval]))`,
            legend: "failed",
          },
        ],
      },
      {
        title: "Reasons",
        unit: "reqps",
        queries: [{ expr: rate(COUNTED.requests.name, "reason", `${POOL},reason!=""`), legend: "{{reason}}" }],
      },
      {
        title: "Requests by tenant",
        unit: "reqps",
        queries: [{ expr: rate(COUNTED.tenantRequests.name, "tenant"), legend: "{{tenant}}" }],
      },
    ],
  },
  {
    title: "Latency",
    panels: [
      { title: "Time to first token", unit: "s", queries: percentiles(COUNTED.firstToken.name) },
      { title: "Time per output token", unit: "s", queries: percentiles(COUNTED.outputToken.name) },
      { title: "What the router adds", unit: "s", queries: percentiles(COUNTED.overhead.name) },
      { title: "Wait in the queue", unit: "s", queries: percentiles(COUNTED.queue.name) },
      {
        title: "Time to first token by region, p95",
        unit: "s",
        queries: [{ expr: quantile(0.95, COUNTED.firstToken.name, "region"), legend: "{{region}}" }],
      },
      { title: "Whole requests", unit: "s", queries: percentiles(COUNTED.duration.name) },
      { title: "Attempts at endpoints", unit: "s", queries: percentiles(COUNTED.operation.name) },
      {
        title: "Lease and guardrails, p95",
        unit: "s",
        queries: [
          { expr: quantile(0.95, COUNTED.lease.name), legend: "lease" },
          { expr: quantile(0.95, COUNTED.rails.name), legend: "guardrails" },
        ],
      },
    ],
  },
  {
    title: "Between pools and endpoints",
    panels: [
      {
        title: "Requests that went on to another pool",
        unit: "reqps",
        queries: [{ expr: rate(COUNTED.fallbacks.name, "to, reason"), legend: "{{to}}, {{reason}}" }],
      },
      {
        title: "Requests of a split",
        unit: "reqps",
        queries: [{ expr: rate(COUNTED.splits.name, "pool"), legend: "{{pool}}" }],
      },
      {
        title: "Copies to a shadow",
        unit: "reqps",
        queries: [{ expr: rate(COUNTED.shadows.name, "shadow, result"), legend: "{{shadow}}, {{result}}" }],
      },
      {
        title: "First token of a shadow, p95",
        unit: "s",
        queries: [{ expr: quantile(0.95, COUNTED.shadowFirstToken.name, "shadow"), legend: "{{shadow}}" }],
      },
      {
        title: "Streams that another endpoint went on with",
        unit: "reqps",
        queries: [{ expr: rate(COUNTED.continuations.name, "outcome"), legend: "{{outcome}}" }],
      },
    ],
  },
  {
    title: "Fleet",
    panels: [
      {
        title: "In flight and capacity",
        unit: "short",
        queries: [
          { expr: gauge(NOW.inFlight.name, "region"), legend: "in flight, {{region}}" },
          { expr: gauge(NOW.capacity.name, "region"), legend: "capacity, {{region}}" },
        ],
      },
      {
        title: "Waiting for a slot",
        unit: "short",
        queries: [{ expr: gauge(NOW.queued.name, "pool, region"), legend: "{{pool}} {{region}}" }],
      },
      {
        title: "Endpoints that take no traffic",
        unit: "short",
        queries: [
          { expr: `sum by (pool, region) (1 - ${NOW.admitting.name}{${POOL}})`, legend: "{{pool}} {{region}}" },
        ],
      },
      {
        title: "Warm endpoints",
        unit: "short",
        queries: [{ expr: gauge(NOW.warm.name, "pool, region"), legend: "{{pool}} {{region}}" }],
      },
      {
        title: "Prompt tokens in line",
        unit: "short",
        queries: [{ expr: gauge(NOW.prefillWork.name, "endpoint"), legend: "{{endpoint}}" }],
      },
      {
        title: "Reading speed, tokens/s",
        unit: "short",
        queries: [{ expr: gauge(NOW.prefillSpeed.name, "endpoint"), legend: "{{endpoint}}" }],
      },
      {
        title: "Attempts lost, by what",
        unit: "ops",
        queries: [{ expr: rate(COUNTED.attempts.name, "result", `${POOL},result!="answered"`), legend: "{{result}}" }],
      },
      {
        title: "Shards that do not answer",
        unit: "short",
        queries: [
          { expr: `sum by (pool, region) (1 - ${NOW.shardReachable.name}{${POOL}})`, legend: "{{pool}} {{region}}" },
        ],
      },
    ],
  },
  {
    title: "Decisions",
    panels: [
      {
        title: "Why an endpoint was chosen",
        unit: "ops",
        queries: [{ expr: rate(COUNTED.decisions.name, "why"), legend: "{{why}}" }],
      },
      {
        title: "Retries and hedges",
        unit: "ops",
        queries: [
          { expr: rate(COUNTED.retries.name, "pool"), legend: "retries, {{pool}}" },
          { expr: rate(COUNTED.hedges.name, "result"), legend: "hedges {{result}}" },
        ],
      },
      {
        title: "Budgets that are left",
        unit: "short",
        queries: [
          { expr: gauge(NOW.retryBudget.name, "region"), legend: "retries, {{region}}" },
          { expr: gauge(NOW.hedgeBudget.name, "region"), legend: "hedges, {{region}}" },
        ],
      },
      {
        title: "Cold starts",
        unit: "ops",
        queries: [{ expr: rate(COUNTED.coldStarts.name, "pool, region"), legend: "{{pool}} {{region}}" }],
      },
    ],
  },
  {
    title: "Guardrails",
    panels: [
      {
        title: "Verdicts",
        unit: "ops",
        queries: [
          {
            expr: rate(COUNTED.railVerdicts.name, "rail, action", `${POOL},action!="allow"`),
            legend: "{{rail}} {{action}}",
          },
        ],
      },
      {
        title: "Rules",
        unit: "ops",
        queries: [{ expr: rate(COUNTED.railRules.name, "rule, action", ""), legend: "{{rule}} {{action}}" }],
      },
      {
        title: "Went on unread",
        unit: "ops",
        queries: [{ expr: rate(COUNTED.failOpens.name, "rail, status"), legend: "{{rail}} {{status}}" }],
      },
    ],
  },
  {
    title: "Tokens and cost",
    panels: [
      { title: "Tokens", unit: "ops", queries: [{ expr: rate(COUNTED.tokens.name, "type"), legend: "{{type}}" }] },
      {
        title: "Tokens by tenant",
        unit: "ops",
        queries: [{ expr: rate(COUNTED.tokens.name, "tenant"), legend: "{{tenant}}" }],
      },
      {
        title: "Cost an hour by tenant",
        unit: "short",
        queries: [{ expr: `3600 * ${rate(COUNTED.cost.name, "tenant")}`, legend: "{{tenant}}" }],
      },
    ],
  },
  {
    title: "Jobs",
    panels: [
      {
        title: "Jobs by state",
        unit: "short",
        queries: [{ expr: gauge(NOW.jobs.name, "pool, state"), legend: "{{pool}} {{state}}" }],
      },
      {
        title: "Longest wait",
        unit: "s",
        queries: [{ expr: `max by (pool) (${NOW.jobsOldest.name}{${POOL}})`, legend: "{{pool}}" }],
      },
      {
        title: "Jobs that ended",
        unit: "ops",
        queries: [{ expr: rate(NOW.jobsEnded.name, "pool, state"), legend: "{{pool}} {{state}}" }],
      },
      {
        title: "Dead letters",
        unit: "short",
        queries: [{ expr: gauge(NOW.jobsDead.name, "pool"), legend: "{{pool}}" }],
      },
    ],
  },
  {
    title: "The feed itself",
    panels: [
      {
        title: "Reports",
        unit: "ops",
        queries: [OWN.reports, OWN.repeats, OWN.lost].map(({ name, help }) => ({
          expr: `sum(rate(${name}[$__rate_interval]))`,
          legend: help,
        })),
      },
      { title: "Age of the last report", unit: "s", queries: [{ expr: NOW.reportAge.name, legend: "age" }] },
      {
        title: "Samples without a series of their own",
        unit: "ops",
        queries: [{ expr: `sum by (metric) (rate(${OWN.overflow.name}[$__rate_interval]))`, legend: "{{metric}}" }],
      },
    ],
  },
];

/** Grafana's grid is 24 wide. */
const WIDTH = 6;
const HEIGHT = 7;
const SOURCE = { type: "prometheus", uid: "${datasource}" } as const;

export const grafanaDashboard = {
  path: "grafana/warmpath.json",
  source: "the file of metrics' names",
  text: () => `${JSON.stringify(dashboard(), null, 2)}\n`,
};

function dashboard(): object {
  let y = 0;
  let id = 0;
  const panels = ROWS.flatMap(({ title, panels: plans }) => {
    const row = { id: (id += 1), type: "row", title, collapsed: false, gridPos: { h: 1, w: 24, x: 0, y }, panels: [] };
    const below = plans.map((plan, index) => {
      const perLine = 24 / WIDTH;
      const x = (index % perLine) * WIDTH;
      const gridPos = { h: HEIGHT, w: WIDTH, x, y: y + 1 + Math.floor(index / perLine) * HEIGHT };
      return { id: (id += 1), ...panel(plan), gridPos };
    });
    y += 1 + Math.ceil((plans.length * WIDTH) / 24) * HEIGHT;
    return [row, ...below];
  });
  return {
    uid: "warmpath",
    title: "Warmpath",
    tags: ["warmpath", "inference"],
    schemaVersion: 39,
    version: 1,
    editable: true,
    timezone: "browser",
    refresh: "10s",
    time: { from: "now-1h", to: "now" },
    annotations: { list: [] },
    templating: {
      list: [
        { name: "datasource", type: "datasource", query: "prometheus", label: "Data source" },
        {
          name: "pool",
          type: "query",
          label: "Pool",
          datasource: SOURCE,
          query: `label_values(${NOW.shardReachable.name}, pool)`,
          refresh: 2,
          includeAll: true,
          multi: true,
          allValue: ".*",
          current: { text: "All", value: "$__all" },
        },
      ],
    },
    panels,
  };
}

function panel({ title, unit, queries, what }: PanelPlan): object {
  return {
    type: "timeseries",
    title,
    ...(what === undefined ? {} : { description: what }),
    datasource: SOURCE,
    fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 8, showPoints: "never" } }, overrides: [] },
    options: { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi", sort: "desc" } },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: SOURCE,
      expr,
      legendFormat: legend,
      range: true,
    })),
  };
}
