import { describe, expect, test } from "vitest";
import type { RequestRecord } from "../../../src/sight/core/record.ts";
import { exportOf } from "../../../src/sight/core/spans.ts";
import { attemptRecord, requestRecord } from "../../support/request-record.ts";

const TRACED = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", span: { id: "0101", parentId: null, sampled: true } };

const spansOf = (wish: Partial<RequestRecord>) =>
  exportOf([requestRecord({ ...TRACED, ...wish })], "1").resourceSpans[0]?.scopeSpans[0]?.spans ?? [];

const attributesOf = (wish: Partial<RequestRecord>, nth: number) =>
  Object.fromEntries((spansOf(wish)[nth]?.attributes ?? []).map(({ key, value }) => [key, value]));

describe("a request's spans", () => {
  test("tell its tokens once, at the attempt that was answered", () => {
    const attempts = [attemptRecord({ lost: "server_error" }), attemptRecord()];
    const told = [0, 1, 2].map((nth) => attributesOf({ attempts }, nth)["gen_ai.usage.output_tokens"]);
    expect(told).toEqual([undefined, undefined, { intValue: "10" }]);
  });

  test("keep a fraction's type where it is whole", () => {
    const attempts = [attemptRecord({ sentMs: 0, firstByteMs: 2_000 })];
    expect(attributesOf({ attempts }, 1)["gen_ai.response.time_to_first_chunk"]).toEqual({ doubleValue: 2 });
  });

  test.each([
    ["the router's or an endpoint's", "upstream_failed", { stringValue: "why" }],
    ["the client's own", "refused", undefined],
  ] as const)("have an error where the fault is %s", (_, outcome, expected) => {
    const told = attributesOf({ outcome, reason: "why" }, 0);
    expect(told["error.type"]).toEqual(expected);
    expect(told["warmpath.outcome.reason"]).toEqual({ stringValue: "why" });
  });

  test("name the operation and the model, and of a protocol that nobody knows the method", () => {
    expect(spansOf({ operation: "text_completion" })[1]?.name).toBe("text_completion meta/llama");
    expect(spansOf({ operation: null })[1]?.name).toBe("POST meta/llama");
    expect(attributesOf({ operation: null }, 1)).not.toHaveProperty("gen_ai.provider.name");
  });

  test("name a method that no server knows by the convention's word for it", () => {
    expect(spansOf({ method: "other" })[0]?.name).toBe("HTTP /v1/chat/completions");
    expect(attributesOf({ method: "other" }, 0)["http.request.method"]).toEqual({ stringValue: "_OTHER" });
  });
});
