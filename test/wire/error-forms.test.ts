import { describe, expect, test } from "vitest";
import { ERROR_FORMS } from "../../src/wire/error-forms.ts";
import { errorBody } from "../../src/wire/error-body.ts";
import { ERRORS } from "../../src/wire/errors.ts";
import { streamError } from "../../src/wire/stream-error.ts";
import type { ErrorReason } from "../../src/wire/errors.ts";

const reasons = Object.keys(ERRORS) as ErrorReason[];

/** Anthropic's own list: what its clients may switch on. */
const ANTHROPIC_TYPES = [
  "invalid_request_error",
  "authentication_error",
  "permission_error",
  "not_found_error",
  "request_too_large",
  "rate_limit_error",
  "api_error",
  "timeout_error",
  "overloaded_error",
];

describe.each(reasons)("the error %s", (reason) => {
  const { message, type, code, status } = ERRORS[reason];
  const body = errorBody(reason, { requestId: "req_1", param: "model" });

  test("is told to OpenAI's clients as the object that they read, and RFC 9457's members", () => {
    expect(ERROR_FORMS.openai(body, "req_1")).toEqual(body);
    expect(body.error).toEqual({ message, type, code, param: "model" });
  });

  test("is told to Runpod's clients as a text, with our object beside it", () => {
    const { error, ...rest } = body;
    expect(ERROR_FORMS.runpod(body, "req_1")).toEqual({ ...rest, error: message, errorDetail: error });
  });

  test("is told to Anthropic's clients as a typed error with the request's id, and nothing else", () => {
    const told = status === 413 ? "request_too_large" : status === 504 ? "timeout_error" : type;
    expect(ERROR_FORMS.anthropic(body, "req_1")).toEqual({
      type: "error",
      error: { type: told, message },
      request_id: "req_1",
    });
    expect(ANTHROPIC_TYPES).toContain(told);
  });
});

test("a stream of messages ends with the same type", () => {
  expect(streamError("upstream_timeout", "anthropic").events).toContain('"type":"timeout_error"');
  expect(streamError("upstream_cut", "anthropic").events).toContain('"type":"api_error"');
});

test("a detail stands in place of the table's message in every form", () => {
  const body = errorBody("saturated", { requestId: "req_1", detail: "Come back." });
  expect(ERROR_FORMS.openai(body, "req_1")).toMatchObject({ error: { message: "Come back." } });
  expect(ERROR_FORMS.runpod(body, "req_1")).toMatchObject({ error: "Come back." });
  expect(ERROR_FORMS.anthropic(body, "req_1")).toMatchObject({ error: { message: "Come back." } });
});
