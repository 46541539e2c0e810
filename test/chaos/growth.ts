/** What a router takes while it runs: resident memory, the heap that lives, and what its objects keep on disk. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { liveHeapBytes } from "../support/heap.ts";
import type { Workerd } from "../../tools/cli/workerd.ts";

export type Growth = {
  readonly atH: number;
  readonly residentMb: number;
  /** After a collection. */
  readonly heapMb: number;
  /** Of all databases, without what SQLite has logged and not yet written into them. */
  readonly databasesMb: number;
  /** The longest of those logs. */
  readonly logMb: number;
};

const MB = 1_048_576;

/** Of a process, MB. */
export const residentMb = ({ pid }: Pick<Workerd, "pid">): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1_024;

export async function growthOf(router: Workerd, stateDir: string, atH: number): Promise<Growth> {
  const files = readdirSync(stateDir, { recursive: true, encoding: "utf8" });
  // One that is gone meanwhile takes nothing.
  const bytesOf = (name: string): number => statSync(join(stateDir, name), { throwIfNoEntry: false })?.size ?? 0;
  const databases = files.filter((name) => name.endsWith(".sqlite")).map(bytesOf);
  const logs = files.filter((name) => name.endsWith("-wal")).map(bytesOf);
  return {
    atH,
    residentMb: residentMb(router),
    heapMb: (await liveHeapBytes(router)) / MB,
    databasesMb: databases.reduce((sum, bytes) => sum + bytes, 0) / MB,
    logMb: Math.max(0, ...logs) / MB,
  };
}

/** Least squares, MB an hour. */
export function slopeOf(samples: readonly Growth[], of: (sample: Growth) => number): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const [x, y] = [mean(samples.map(({ atH }) => atH)), mean(samples.map(of))];
  const along = samples.reduce((sum, { atH }) => sum + (atH - x) ** 2, 0);
  return along === 0 ? 0 : samples.reduce((sum, one) => sum + (one.atH - x) * (of(one) - y), 0) / along;
}
