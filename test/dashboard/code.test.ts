/** Code that the page offers to copy, run by the programs that read it. */
import { execFileSync, spawnSync } from "node:child_process";
import { transformSync } from "esbuild";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bodyOf, codeOf, LANGUAGES, type TryRequest } from "../../dashboard/try/code.ts";

const base: TryRequest = {
  origin: "http://127.0.0.1:8787",
  model: "m",
  prompt: "Hello",
  stream: true,
  maxTokens: 64,
};

/** What a shell makes of the words behind `curl`. */
const wordsOf = (code: string): readonly string[] =>
  execFileSync("sh", ["-c", `curl() { for word in "$@"; do printf '%s\\0' "$word"; done; }\n${code}`], {
    env: { WARMPATH_KEY: "wp_secret" },
    encoding: "utf8",
  })
    .split("\0")
    .slice(0, -1);

describe("curl", () => {
  test("sends the body that the page sends, with the reader's own key", () => {
    const words = wordsOf(codeOf("curl", base));
    expect(words.slice(0, 2)).toEqual(["-iN", "http://127.0.0.1:8787/v1/chat/completions"]);
    expect(words).toContain("authorization: Bearer wp_secret");
    expect(JSON.parse(words.at(-1) ?? "")).toEqual(bodyOf(base));
  });

  test("nothing of a prompt is read by the shell", () => {
    const text = fc.string({ unit: "binary", maxLength: 40 }).filter((prompt) => !/[\0\uD800-\uDFFF]/u.test(prompt));
    const nasty = fc.constantFrom("it's", "$(touch /tmp/x)", "`id`", "a'b\"c\\", "\n-d @/etc/passwd", "'; id; '");
    fc.assert(
      fc.property(fc.oneof(text, nasty), fc.boolean(), (prompt, stream) => {
        const request = { ...base, prompt, stream };
        expect(JSON.parse(wordsOf(codeOf("curl", request)).at(-1) ?? "")).toEqual(bodyOf(request));
      }),
      { numRuns: 40 },
    );
  });
});

const prompt = '""" ${x} `y` </script> \\ \n \u2028 \'z\' é 🙂';

test.each([true, false])("JavaScript can be read, whatever the prompt is (stream: %s)", (stream) => {
  const code = codeOf("JavaScript", { ...base, prompt, stream });
  expect(transformSync(code, { format: "esm" }).code).toContain("chat.completions.create");
});

/** The project needs no Python; where there is one, it reads what is meant for it. */
const hasPython = spawnSync("python3", ["--version"]).status === 0;

test.skipIf(!hasPython).each([true, false])("Python reads the prompt as it is (stream: %s)", (stream) => {
  const read = `import ast, json, sys
tree = ast.parse(sys.stdin.read())
print(json.dumps([node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]))`;
  const input = codeOf("Python", { ...base, prompt, stream });
  const constants: unknown = JSON.parse(execFileSync("python3", ["-c", read], { input, encoding: "utf8" }));
  expect(constants).toContain(prompt);
});

test("no language is without code, and none holds a key", () => {
  for (const language of LANGUAGES) expect(codeOf(language, base)).toContain("WARMPATH_KEY");
});
