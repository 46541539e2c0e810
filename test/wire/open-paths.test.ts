import { describe, expect, test } from "vitest";
import { methodsOf, OPEN_PATHS, OPERATOR_PATHS, reachOf } from "../../src/wire/open-paths.ts";

describe("what a client may reach that names the path itself", () => {
  test.each([
    ["POST", "/v1/chat/completions", [], "open"],
    ["POST", "/v1/chat/completions/", [], "open"],
    ["POST", "/v1/audio/transcriptions", [], "open"],
    ["GET", "/v1/models/org/name", [], "open"],
    ["HEAD", "/health", [], "open"],
    ["POST", "/", [], "open"],
    ["POST", "/v2/models/bert/infer", [], "open"],
    ["DELETE", "/v1/models/org/name", [], "wrong_method"],
    ["GET", "/v1/chat/completions", [], "wrong_method"],
    ["POST", "/score/../x", [], "closed"],
    ["POST", "/V1/chat/completions", [], "closed"],
    ["GET", "/v1/responses/resp_1", [], "closed"],
    ["POST", "/v1/audio", [], "closed"],
    ["POST", "/anything", [], "closed"],
    ["POST", "/shutdown", [], "closed"],
    ["PUT", "/anything", ["*"], "open"],
    ["PATCH", "/mine", ["/mine"], "open"],
    ["PATCH", "/mine/", ["/mine"], "open"],
    ["POST", "/mine/x", ["/mine"], "closed"],
    ["POST", "/tools/a/b", ["/tools/*"], "open"],
    ["POST", "/tools", ["/tools/*"], "closed"],
    ["POST", "/toolsmith", ["/tools/*"], "closed"],
    ["GET", "/shutdown", ["*"], "operator"],
    ["GET", "/v2/models/bert/trace/setting", [], "operator"],
    ["POST", "/flush_cache", ["/flush_cache"], "operator"],
  ] as const)("%s %s with %j open: %s", (method, path, opened, reach) => {
    expect(reachOf(path, method, opened)).toBe(reach);
  });

  test.each([
    ["/shutdown", true],
    ["/v1/load_lora_adapter", true],
    ["/Shutdown/", true],
    ["/sh%75tdown", true],
    ["/shutdown;x=1", true],
    ["/shutdown%3Fx=1", true],
    ["/shutdown%23x", true],
    ["/shutdown%20", true],
    ["/api/pull%20/more", true],
    ["/behind/a/proxy/api/pull", true],
    ["/api/pull/more", true],
    ["/api/chat", false],
    ["/shutdowns", false],
    ["/v1/models/sleepy", false],
  ])("%s operates an engine: %s", (path, is) => {
    expect(reachOf(path, "POST", ["*"])).toBe(is ? "operator" : "open");
  });

  test("nothing that operates an engine is open by default", () => {
    const open = OPEN_PATHS.flatMap(({ paths }) => paths);
    expect(open.filter((path) => reachOf(path.replace(/\/\*$/, "/x"), "GET", []) === "operator")).toEqual([]);
    expect([...OPERATOR_PATHS].filter((name) => name.split("/").length > 2)).toEqual([]);
  });

  test("every open path has a reason, once, and its methods", () => {
    const paths = OPEN_PATHS.flatMap(({ paths: some }) => some);
    expect(new Set(paths).size).toBe(paths.length);
    expect(OPEN_PATHS.filter(({ why }) => why === "")).toEqual([]);
    expect(methodsOf("/v1/audio/speech")).toEqual(["GET", "HEAD", "POST"]);
    expect(methodsOf("/none")).toEqual([]);
  });
});
