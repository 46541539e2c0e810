/** One data point a request, where a dataset of Workers Analytics Engine is bound: it is written beside, and never fails. */
import { dataPoint } from "./core/data-point.ts";
import type { RequestRecord } from "./core/record.ts";

/** As much of the platform's binding as is used. */
type Dataset = { writeDataPoint(point: ReturnType<typeof dataPoint>): void };

export function writePoint({ ANALYTICS }: { readonly ANALYTICS?: unknown }, record: RequestRecord): void {
  if (ANALYTICS === undefined) return;
  try {
    (ANALYTICS as Dataset).writeDataPoint(dataPoint(record));
  } catch (error) {
    // A request that writes more points than the platform takes loses the rest of them, and nothing else.
    console.error("a data point was not written", error);
  }
}
