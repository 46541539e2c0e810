/**
 * CPU time of processes, as the kernel counts it, and which core they run on.
 *
 * Model. The gateway's own CPU time per request is far steadier than wall time on a shared machine. It is summed over
 * the threads in nanoseconds (`schedstat`); when a thread ended in between, its time is only in the process's clock
 * ticks (`stat`, usually 10 ms), which are then used instead. Linux only: elsewhere every reading is null.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";

export type CpuReading = {
  readonly nsByThread: ReadonlyMap<string, number>;
  /** Of the whole process, ended threads included, ms. */
  readonly processMs: number;
};

/** Null without /proc, or when the process is gone. */
export function readCpu(pid: number): CpuReading | null {
  try {
    const nsByThread = new Map<string, number>();
    for (const thread of readdirSync(`/proc/${pid}/task`)) nsByThread.set(thread, threadNs(pid, thread));
    // The second field may hold spaces; the fields after its bracket do not. utime and stime are fields 14 and 15.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return { nsByThread, processMs: (Number(fields[11]) + Number(fields[12])) * tickMs() };
  } catch {
    return null;
  }
}

/** CPU time between two readings of one process, ms. */
export function cpuMsBetween(before: CpuReading | null, after: CpuReading | null): number | null {
  if (before === null || after === null) return null;
  let ns = 0;
  for (const [thread, was] of before.nsByThread) {
    const is = after.nsByThread.get(thread);
    if (is === undefined || Number.isNaN(is)) return after.processMs - before.processMs;
    ns -= was;
  }
  for (const is of after.nsByThread.values()) ns += is;
  return Number.isNaN(ns) ? after.processMs - before.processMs : ns / 1e6;
}

/** NaN on a kernel without scheduler statistics. */
function threadNs(pid: number, thread: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  } catch {
    return Number.NaN;
  }
}

let tick: number | null = null;

function tickMs(): number {
  tick ??= 1_000 / Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  return tick;
}

/** Time that the given cores were busy since the machine started, for anybody, ms; null without /proc. */
export function coresBusyMs(cores: readonly number[]): number | null {
  try {
    const lines = readFileSync("/proc/stat", "utf8").split("\n");
    return cores.reduce((sum, core) => {
      const fields = (lines.find((line) => line.startsWith(`cpu${core} `)) ?? "").split(" ").map(Number);
      const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields;
      return sum + (user + nice + system + irq + softirq + steal) * tickMs();
    }, 0);
  } catch {
    return null;
  }
}

export type Cores = { readonly gateway: number; readonly load: number };

/** Two cores that this process may use, far apart where there are more; null with fewer or without `taskset`. */
export function chooseCores(): Cores | null {
  try {
    const list = execFileSync("taskset", ["-c", "-p", String(process.pid)], { encoding: "utf8" });
    const allowed = /:\s*([\d,-]+)\s*$/.exec(list)?.[1]?.split(/[,-]/).map(Number) ?? [];
    const [gateway, load] = [Math.min(...allowed), Math.max(...allowed)];
    return Number.isFinite(gateway) && gateway !== load ? { gateway, load } : null;
  } catch {
    return null;
  }
}

/** Every thread of the process; what it starts later inherits the core. */
export function pin(pid: number, core: number): void {
  execFileSync("taskset", ["-a", "-c", "-p", String(core), String(pid)]);
}

/** One line: CPU, memory, versions. */
export function machineLine(workerdVersion: string): string {
  const all = cpus();
  const memoryGb = (totalmem() / 1024 ** 3).toFixed(0);
  const cpu = `${all[0]?.model.trim() ?? "unknown CPU"}, ${all.length} cores, ${memoryGb} GB`;
  return `${cpu}; ${process.platform} ${process.arch}; node ${process.versions.node}, workerd ${workerdVersion}`;
}
