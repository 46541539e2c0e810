import { describe, expect, test } from "vitest";
import { createLineFilter, LINES_MAX, REPEAT_MS } from "../../../tools/cli/workerd-lines.ts";

const lookup = (id: string) =>
  `workerd/jsg/util.c++:415: error: e = rust/worker/ffi.rs:110: failed: failed to lookup address information
stack: workerd@28a3c60 workerd@3ac7580; sentryErrorContext = jsgInternalError; wdErrId = ${id}
`;
const [said = ""] = lookup("a1").split("\n");

describe("of what workerd prints itself", () => {
  test("a failure is one line without its stack, and told again when REPEAT_MS are over", () => {
    const { push } = createLineFilter();
    expect(push(lookup("a1"), 0)).toBe(`${said}\n`);
    expect(push(lookup("b2"), REPEAT_MS - 1)).toBe("");
    expect(push(lookup("c3"), REPEAT_MS)).toBe(`${said}\n`);
  });

  test("what is not the same is told too, and only so much is remembered", () => {
    const { push } = createLineFilter();
    // Letters, since numbers are of the occasion.
    const line = (at: number) => `workerd/a.c++:1: warning: ${"x".repeat(at + 1)}\n`;
    for (let at = 0; at < LINES_MAX; at++) expect(push(line(at), 0)).toBe(line(at));
    expect(push(line(0), 1)).toBe("");
    push(line(LINES_MAX), 1);
    expect(push(line(0), 1)).toBe(line(0));
  });

  test("every line of the Worker is shown, also where it comes in pieces", () => {
    const { push, end } = createLineFilter();
    expect(push('{"event":"endpoint_fai', 0)).toBe("");
    expect(push('led"}\n{"event":"endpoint_failed"}\nlast', 0)).toBe(
      '{"event":"endpoint_failed"}\n{"event":"endpoint_failed"}\n',
    );
    expect([end(), end()]).toEqual(["last", ""]);
  });
});
