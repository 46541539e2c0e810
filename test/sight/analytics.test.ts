import { expect, test, vi } from "vitest";
import { writePoint } from "../../src/sight/analytics.ts";
import { AnalyticsFake } from "../support/analytics-fake.ts";
import { requestRecord } from "../support/request-record.ts";

const counted = (fake: AnalyticsFake): unknown =>
  (
    fake.query(
      "SELECT sum(_sample_interval) AS n, max(length(blob3)) AS longest FROM warmpath_requests\nFORMAT JSON",
    ) as { data: unknown[] }
  ).data[0];

test("a request is one data point where a dataset is bound, also with the longest names, and none where there is none", () => {
  const fake = new AnalyticsFake();
  const ANALYTICS = { writeDataPoint: (point: Parameters<AnalyticsFake["write"]>[0]) => fake.write(point, 0) };
  writePoint({ ANALYTICS }, requestRecord());
  const long = "\u{1F600}".repeat(5_000);
  writePoint(
    { ANALYTICS },
    requestRecord({ tenant: "t".repeat(64), pool: long, model: long, endpoint: long, region: long }),
  );
  writePoint({}, requestRecord());
  expect(counted(fake)).toMatchObject({ n: "2" });
});

test("a dataset that refuses a point costs that point, and is told in the log", () => {
  const told = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const ANALYTICS = {
    writeDataPoint() {
      throw new TypeError("too many data points");
    },
  };
  expect(() => writePoint({ ANALYTICS }, requestRecord())).not.toThrow();
  expect(told).toHaveBeenCalledOnce();
  told.mockRestore();
});
