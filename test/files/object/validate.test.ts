/** Files of batches as they should not be: each is refused by its line, and nothing of it has run. */
import { expect, test } from "vitest";
import { CUSTOM_ID_CHARS_MAX, ERRORS_TOLD_MAX, LINE_BYTES_MAX, LINES_MAX } from "../../../src/files/core/bounds.ts";
import { validate } from "../../../src/files/object/validate.ts";
import { LineReader } from "../../../src/files/line-reader.ts";
import { lineOf } from "../../support/files-router.ts";

const PART = 1024 * 1024;

async function check(file: string | Uint8Array) {
  const bytes = typeof file === "string" ? Buffer.from(file) : file;
  const part = async (at: number) => bytes.subarray(at * PART, (at + 1) * PART);
  const reader = new LineReader({ bytes: bytes.byteLength, partBytes: PART, part }, LINE_BYTES_MAX);
  return validate({ endpoint: "/v1/chat/completions" }, reader, async (model) => (model === "alpha" ? "main" : null));
}

const text = (custom: string, more: object = {}): string => JSON.stringify({ ...lineOf(custom), ...more });
const body = (more: object): object => ({ body: { ...(lineOf("x")["body"] as object), ...more } });

test.each<
  [string, string | Uint8Array, readonly (readonly [code: string, line: number | null, param: string | null])[]]
>([
  ["that is empty", "", [["empty_file", null, null]]],
  ["with empty lines alone", "\n\r\n  \n", [["empty_file", null, null]]],
  ["that is no JSON", `${text("a")}\n{"custom_id":\n`, [["invalid_json_line", 2, null]]],
  ["with a list in a line", "[1]", [["invalid_json_line", 1, null]]],
  ["with null in a line", "null", [["invalid_json_line", 1, null]]],
  [
    "that is not UTF-8",
    Buffer.concat([
      Buffer.from(`${text("a")}\n`),
      Buffer.from([0x22, 0xff, 0xfe, 0x22]),
      Buffer.from(`\n${text("b")}`),
    ]),
    [["invalid_json_line", 2, null]],
  ],
  ["without a custom_id", text("a", { custom_id: undefined }), [["missing_required_parameter", 1, "custom_id"]]],
  ["with a custom_id that is a number", text("a", { custom_id: 7 }), [["invalid_value", 1, "custom_id"]]],
  ["with a custom_id that is empty", text(""), [["invalid_value", 1, "custom_id"]]],
  ["with a custom_id beyond its bound", text("c".repeat(CUSTOM_ID_CHARS_MAX + 1)), [["invalid_value", 1, "custom_id"]]],
  ["with a custom_id twice", `${text("a")}\n\n${text("a")}`, [["duplicate_custom_id", 3, "custom_id"]]],
  ["without a method", text("a", { method: null }), [["missing_required_parameter", 1, "method"]]],
  ["with another method", text("a", { method: "GET" }), [["invalid_method", 1, "method"]]],
  ["with a url that there is not", text("a", { url: "/v1/nonsense" }), [["invalid_url", 1, "url"]]],
  ["with the url of another endpoint", text("a", { url: "/v1/embeddings" }), [["invalid_url", 1, "url"]]],
  ["without a body", text("a", { body: undefined }), [["missing_required_parameter", 1, "body"]]],
  ["with a body that is a text", text("a", { body: "x" }), [["invalid_request", 1, "body"]]],
  ["without a model", text("a", body({ model: undefined })), [["invalid_request", 1, "body.model"]]],
  ["with a model that nobody serves", text("a", body({ model: "none" })), [["model_not_found", 1, "body.model"]]],
  [
    "with two models",
    `${text("a")}\n${text("b", body({ model: "beta" }))}\n${text("c")}`,
    [["mismatched_model", 2, "body.model"]],
  ],
  ["that asks for a stream", text("a", body({ stream: true })), [["invalid_request", 1, "body.stream"]]],
  ["with a limit that is none", text("a", body({ max_tokens: "many" })), [["invalid_request", 1, "body.max_tokens"]]],
  [
    "with several mistakes",
    `${text("a", { url: "/x" })}\n${text("b")}\nx\n${text("b")}`,
    [
      ["invalid_url", 1, "url"],
      ["invalid_json_line", 3, null],
      ["duplicate_custom_id", 4, "custom_id"],
    ],
  ],
])("a file %s is told by the line", async (_, file, expected) => {
  const { errors } = await check(file);
  expect(errors.map(({ code, line, param }) => [code, line, param])).toEqual(expected);
  for (const { message } of errors) expect(message).not.toBe("");
});

test("CRLF, a byte order mark, empty lines and no end of the last line are no mistakes", async () => {
  const found = await check(`\uFEFF${text("a")}\r\n\r\n${text("b")}\r\n   \n${text("c")}`);
  expect(found).toEqual({ lines: 3, model: "alpha", poolId: "main", errors: [] });
});

test("names of objects' own members are custom_ids as any other", async () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  expect(await check(names.map((name) => text(name)).join("\n"))).toMatchObject({ lines: 4, errors: [] });
});

test("a custom_id and a line at their bounds are good, and one byte more is not", async () => {
  const named = text("c".repeat(CUSTOM_ID_CHARS_MAX));
  const short = text("long", body({ pad: "" }));
  const long = (bytes: number): string => text("long", body({ pad: "p".repeat(bytes - Buffer.byteLength(short)) }));
  expect((await check(`${named}\n${long(LINE_BYTES_MAX)}\n`)).errors).toEqual([]);
  const { errors } = await check(`${named}\n${long(LINE_BYTES_MAX + 1)}\n${text("after")}\n`);
  expect(errors.map(({ code, line }) => [code, line])).toEqual([["line_too_long", 2]]);
});

test("as many requests as may be are taken, and one more is not", async () => {
  const lines = Array.from({ length: LINES_MAX }, (_, at) => text(`r${at}`)).join("\n");
  expect(await check(lines)).toMatchObject({ lines: LINES_MAX, errors: [] });
  const { errors } = await check(`${lines}\n${text("more")}`);
  expect(errors).toMatchObject([{ code: "too_many_requests", line: null }]);
});

test("of many mistakes the first are told", async () => {
  const { errors } = await check("x\n".repeat(ERRORS_TOLD_MAX + 5));
  expect(errors).toHaveLength(ERRORS_TOLD_MAX);
});
