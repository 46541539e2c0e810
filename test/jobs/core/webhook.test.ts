import { describe, expect, test } from "vitest";
import type { Notice } from "../../../src/jobs/core/events.ts";
import { seededRng } from "../../../src/lib/rng.ts";
import {
  createDelivery,
  delivered,
  type Delivery,
  type DeliveryAnswer,
  replayed,
  RETRY_FLOOR_MS,
  STANDARD_WINDOWS_MS,
  TERMINAL_NOTICES,
  type WebhookForm,
  wantsNotice,
  webhookId,
} from "../../../src/jobs/core/webhook.ts";

const rng = seededRng(7);
const fresh = (form: WebhookForm = "standard"): Delivery => createDelivery("j.1.job.completed", form, 1_000);
const pauseAfter = (delivery: Delivery, answer: DeliveryAnswer, draw = 0): number =>
  (delivered(delivery, answer, 1_000, () => draw).nextAtMs ?? Number.NaN) - 1_000;

describe("one try", () => {
  test.each([
    ["standard", { status: 204 }, "delivered"],
    ["standard", { status: 299 }, "delivered"],
    ["standard", { status: 302 }, "pending"],
    ["standard", { status: 404 }, "pending"],
    ["standard", { status: 410 }, "disabled"],
    ["standard", null, "pending"],
    ["runpod", { status: 200 }, "delivered"],
    ["runpod", { status: 201 }, "pending"],
    ["runpod", { status: 410 }, "disabled"],
  ] as const)("%s form, %j: %s", (form, answer, state) => {
    expect(delivered(fresh(form), answer, 1_000, rng).state).toBe(state);
  });

  test("a doubled try of a delivery that is over changes nothing", () => {
    const done = delivered(fresh(), { status: 200 }, 1_000, rng);
    expect(delivered(done, { status: 500 }, 2_000, rng)).toBe(done);
  });
});

describe("schedule", () => {
  test.each([
    ["standard", 1 + STANDARD_WINDOWS_MS.length],
    ["runpod", 3],
  ] as const)("%s: one id, %i tries, then a dead letter", (form, triesMax) => {
    let delivery = fresh(form);
    let tries = 0;
    while (delivery.state === "pending") {
      delivery = delivered(delivery, { status: 500 }, delivery.nextAtMs ?? 0, rng);
      tries += 1;
      expect(delivery.webhookId).toBe("j.1.job.completed");
    }
    expect([delivery.state, tries]).toEqual(["dead", triesMax]);
  });

  test("each pause lies in its window, above a floor", () => {
    STANDARD_WINDOWS_MS.forEach((windowMs, failures) => {
      expect(pauseAfter({ ...fresh(), failures }, null, 0)).toBe(RETRY_FLOOR_MS);
      expect(pauseAfter({ ...fresh(), failures }, null, 0.5)).toBe(windowMs / 2);
    });
  });

  test("Runpod's form waits ten seconds", () => {
    expect(pauseAfter(fresh("runpod"), { status: 500 }, 0.9)).toBe(10_000);
  });

  test("a receiver may ask for more time, up to a day", () => {
    expect(pauseAfter(fresh(), { status: 429, retryAfterMs: 60_000 })).toBe(60_000);
    expect(pauseAfter(fresh(), { status: 429, retryAfterMs: 1e12 })).toBe(86_400_000);
  });

  test("a replay starts the schedule again under the same id, but not against a 410", () => {
    const dead: Delivery = { ...fresh(), state: "dead", failures: 10, nextAtMs: null };
    expect(replayed(dead, 5_000)).toEqual({ ...dead, state: "pending", failures: 0, nextAtMs: 5_000 });
    const disabled: Delivery = { ...dead, state: "disabled" };
    expect(replayed(disabled, 5_000)).toBe(disabled);
    expect(replayed(fresh(), 5_000)).toEqual(fresh());
  });
});

test("the end of a job has one id a generation; what may come more than once has one a time", () => {
  const job = { id: "j", generation: 2, token: 3 };
  expect(webhookId(job, "job.failed")).toBe("j.2.job.failed");
  expect(webhookId({ ...job, token: 4 }, "job.failed")).toBe("j.2.job.failed");
  expect([webhookId(job, "job.started"), webhookId(job, "job.progress", 5)]).toEqual([
    "j.2.job.started.3.0",
    "j.2.job.progress.3.5",
  ]);
});

const NOTICES = Object.keys({
  "job.started": true,
  "job.progress": true,
  "job.output": true,
  "job.retrying": true,
  "job.late": true,
  "job.completed": true,
  "job.failed": true,
  "job.cancelled": true,
  "job.timed_out": true,
  "job.expired": true,
} satisfies Record<Notice, true>) as Notice[];

test("a filter names what is wanted, an empty one everything, and Runpod's form knows ends only", () => {
  expect(NOTICES.filter((notice) => wantsNotice("standard", [], notice))).toEqual(NOTICES);
  expect(NOTICES.filter((notice) => wantsNotice("standard", ["job.late"], notice))).toEqual(["job.late"]);
  expect(NOTICES.filter((notice) => wantsNotice("runpod", [], notice))).toEqual(TERMINAL_NOTICES);
});
