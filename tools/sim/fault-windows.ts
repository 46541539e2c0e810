/**
 * When the faults of a scenario begin and end in one run, in ms, and the named faults of `--faults`.
 */
import type { Fault, FaultKind, Scenario } from "./scenario.ts";

export type FaultWindow = { readonly fault: Fault; readonly fromMs: number; readonly toMs: number };

/** Windows given as shares are shares of the time in which `count` requests arrive at the mean rate. */
export function faultWindows(faults: readonly Fault[], expectedMs: number): readonly FaultWindow[] {
  return faults.map((fault) => {
    const unit = fault.isShare ? expectedMs : 1;
    return { fault, fromMs: fault.from * unit, toMs: fault.to * unit };
  });
}

/** What `--faults` accepts: each hits the first endpoint, or its region, in the second quarter of the run. */
const NAMED_FAULTS = {
  slow: "slow",
  sinkhole: "fail_fast",
  blackhole: "black_hole",
  outage: "outage",
  cold: "cold",
  burst: "burst",
  jitter: "jitter",
} as const satisfies Record<string, FaultKind>;

export type FaultName = keyof typeof NAMED_FAULTS;

export const FAULT_NAMES = Object.keys(NAMED_FAULTS) as readonly FaultName[];

/** Bursts are this much shorter than other faults: ten times the demand for a quarter of the run would be all of it. */
const BURST_SHARE = 0.01;

export function namedFault(name: FaultName, scenario: Scenario): Fault {
  const region = scenario.endpoints[0]?.region ?? 0;
  const kind = NAMED_FAULTS[name];
  const inRegion = scenario.endpoints.flatMap((endpoint, index) => (endpoint.region === region ? [index] : []));
  const endpoints = kind === "outage" && scenario.regions.length > 1 ? inRegion : [0];
  return {
    kind,
    from: 0.25,
    to: kind === "burst" ? 0.25 + BURST_SHARE : 0.5,
    isShare: true,
    endpoints: kind === "burst" || kind === "jitter" ? [] : endpoints,
    regions: [region],
    factor: kind === "burst" ? 10 : 3,
    share: 1,
    sigma: 0.15,
  };
}
