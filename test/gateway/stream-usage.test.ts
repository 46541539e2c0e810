import { expect, test } from "vitest";
import { askingUsage } from "../../src/gateway/stream-usage.ts";

const asks = { include_usage: true };

test.each([
  { name: "without options", body: {}, options: asks },
  { name: "whose options are null", body: { stream_options: null }, options: asks },
  { name: "with options of another kind", body: { stream_options: { chunk: 1 } }, options: { chunk: 1, ...asks } },
])("a stream $name asks for its usage", ({ body, options }) => {
  for (const protocol of ["chat", "completions"] as const) {
    expect(askingUsage(protocol, { model: "m", ...body })).toEqual({ model: "m", stream_options: options });
  }
});

test.each([{ stream_options: { include_usage: false } }, { stream_options: "usage" }, { stream_options: 7 }])(
  "what the client has written of it stays: %o",
  (body) => {
    expect(askingUsage("chat", body)).toBe(body);
  },
);

test("protocols without the option stay as they are, and so does what is no object", () => {
  const body = { model: "m" };
  for (const protocol of ["responses", "anthropic", "embeddings", null] as const) {
    expect(askingUsage(protocol, body)).toBe(body);
  }
  expect(askingUsage("chat", "text")).toBe("text");
});
