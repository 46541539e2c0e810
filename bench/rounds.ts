/**
 * Measures contenders in turn, so that whatever else the machine does meets all of them alike.
 *
 * Model. A round is one window of load for each contender, in an order that changes from round to round. A round in
 * which somebody else used the pinned cores is dropped for all contenders; on a machine that is never quiet the quieter
 * half stays. What is reported are medians over rounds, ratios taken within each round. Source:
 * docs/reference/sources.md, Cost of parts.
 * Rejected: one long window each (a slow minute of the machine would be one contender's minute), and the best round
 * (which reports luck).
 */
import { coresBusyMs, cpuMsBetween, readCpu } from "./cpu.ts";
import type { Cores } from "./cpu.ts";
import type { Contender } from "./contenders.ts";
import { openLoad } from "./load.ts";
import type { LoadResult } from "./load.ts";
import { chatRequest } from "./traffic.ts";
import type { Pace } from "./traffic.ts";

/** Share of the pinned cores' time that others may use before a round counts as disturbed. */
const FOREIGN_SHARE_MAX = 0.1;

export type Phase = {
  readonly name: string;
  readonly connections: number;
  readonly pace: Pace | null;
  readonly rounds: number;
  readonly windowMs: number;
};

export type Window = LoadResult & {
  /** Of the gateway's process over the window, ms; null where it cannot be read. */
  readonly cpuMs: number | null;
  /** Share of the pinned cores' time that nobody of ours used; null when nothing is pinned. */
  readonly foreignShare: number | null;
};

/** One window per contender, in the order of the contenders. */
type Round = readonly Window[];

export type Setting = {
  readonly contenders: readonly Contender[];
  readonly endpointPid: number;
  readonly cores: Cores | null;
};

export type PhaseResult = {
  /** The rounds that count, the quietest first. */
  readonly rounds: readonly Round[];
  readonly droppedRounds: number;
  /** "floor: what was wrong", one per failed request of any round. */
  readonly failures: readonly string[];
};

export async function runPhase(setting: Setting, phase: Phase): Promise<PhaseResult> {
  const { contenders } = setting;
  const rounds: Round[] = [];
  const failures: string[] = [];
  for (let index = 0; index < phase.rounds; index++) {
    const turns = contenders.map((_, turn) => (turn + index) % contenders.length);
    const windows: Window[] = [];
    for (const turn of turns) {
      const contender = contenders[turn];
      if (contender === undefined) continue;
      const window = await measure(setting, contender, phase);
      windows[turn] = window;
      failures.push(...window.failures.map((what) => `${phase.name}, ${contender.name}: ${what}`));
    }
    rounds.push(windows);
    // The figures of a contender that fails mean nothing, and a dead one would cost a time-out per request.
    if (failures.length > 0) return { rounds: [], droppedRounds: 0, failures };
  }
  const kept = quietRounds(rounds);
  return { rounds: kept, droppedRounds: rounds.length - kept.length, failures };
}

function quietRounds(rounds: readonly Round[]): readonly Round[] {
  const disturbance = (round: Round) => Math.max(...round.map(({ foreignShare }) => foreignShare ?? 0));
  const byDisturbance = rounds.toSorted((one, other) => disturbance(one) - disturbance(other));
  const quiet = byDisturbance.filter((round) => disturbance(round) <= FOREIGN_SHARE_MAX).length;
  return byDisturbance.slice(0, Math.max(quiet, Math.ceil(rounds.length / 2)));
}

async function measure(setting: Setting, contender: Contender, phase: Phase): Promise<Window> {
  const load = await openLoad(contender.workerd.port, phase.connections);
  const request = chatRequest(contender.key, phase.pace);
  const othersMs = foreignClock(setting);
  const cpuBefore = readCpu(contender.workerd.pid);
  const result = await load.run({ request, pace: phase.pace, durationMs: phase.windowMs });
  const cpuMs = cpuMsBetween(cpuBefore, readCpu(contender.workerd.pid));
  const foreignMs = othersMs();
  load.close();
  return { ...result, cpuMs, foreignShare: foreignMs === null ? null : foreignMs / (2 * result.elapsedMs) };
}

/** Starts to count; the returned function tells how long others have kept the pinned cores busy since, ms. */
function foreignClock({ contenders, endpointPid, cores }: Setting): () => number | null {
  if (cores === null) return () => null;
  const pinned = [cores.gateway, cores.load];
  const ours = [process.pid, endpointPid, ...contenders.map(({ workerd }) => workerd.pid)];
  const busyBefore = coresBusyMs(pinned);
  const before = ours.map(readCpu);
  return () => {
    const busyAfter = coresBusyMs(pinned);
    if (busyBefore === null || busyAfter === null) return null;
    const own = ours.map((pid, index) => cpuMsBetween(before[index] ?? null, readCpu(pid)) ?? 0);
    return Math.max(
      0,
      own.reduce((left, ms) => left - ms, busyAfter - busyBefore),
    );
  };
}
