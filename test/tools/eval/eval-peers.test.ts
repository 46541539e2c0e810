import { describe, expect, test } from "vitest";
import { makeRail } from "../../../tools/eval/eval-known-rails.ts";
import { judgeSet } from "../../../tools/eval/eval-judge.ts";
import { tableOf } from "../../../tools/eval/eval-print.ts";
import { readGitleaksConfig } from "../../../tools/eval/peers/gitleaks-config.ts";
import { gitleaksRail } from "../../../tools/eval/peers/gitleaks.ts";
import { presidioRail } from "../../../tools/eval/peers/presidio.ts";
import { presidioTexts } from "../../../tools/eval/sets/presidio-texts.ts";

const TOML = `
title = "config"
[allowlist]
# of all rules
regexes = [
    '''^tok_0+$''', # zeros
]

[[rules]]
id = "acme"
description = "A token, says [[rules]]"
regex = '''(?i)\\b(?:key=)?(tok_[a-z0-9]{8})\\b'''
entropy = 2.5
keywords = ["TOK_"]
[[rules.allowlists]]
regexTarget = "line"
regexes = ['''^#''']
[[rules.allowlists]]
stopwords = ["example"]

[[rules]]
id = "file"
path = '''\\.p12$'''
`;

describe("gitleaks' rules", () => {
  test("are read from their file, those of file names left out", () => {
    const { rules, allowlist } = readGitleaksConfig(TOML);
    expect(rules.map(({ id, entropy, keywords }) => ({ id, entropy, keywords }))).toEqual([
      { id: "acme", entropy: 2.5, keywords: ["tok_"] },
    ]);
    expect(rules[0]?.allowlists.map(({ regexTarget, stopwords }) => [regexTarget, stopwords])).toEqual([
      ["line", []],
      ["", ["example"]],
    ]);
    expect(allowlist.regexes).toEqual(["^tok_0+$"]);
  });

  test.each([
    { text: "key=tok_a1b2c3d4 there", finds: ["tok_a1b2c3d4"] },
    { text: "tok_00000000", finds: [] },
    { text: "tok_example1", finds: [] },
    { text: "# tok_a1b2c3d4", finds: [] },
    { text: "nothing here", finds: [] },
  ])("find in '$text'", ({ text, finds }) => {
    const { spans } = gitleaksRail(TOML).inspect(text, "user");
    expect(spans.map(({ start, end }) => text.slice(start, end))).toEqual(finds);
  });
});

test("a set of harmless texts tells how much of them would be cut out", () => {
  const texts = [`mail a@example.com ${"x ".repeat(5_110)}`, "no"];
  const rows = texts.map((text, index) => ({ line: index + 1, text, role: "user", isPositive: false, spans: [] }));
  const ours = makeRail("pii", { options: undefined, types: [] });
  if (!ours.ok) throw new Error(ours.error);
  const set = { rail: "pii", name: "code", file: "pii.code.jsonl", hasSpans: false, rows, badLines: 0 };
  const { result } = judgeSet(set, ours.value);
  expect(result.wrongPer100Kb).toBeCloseTo(10, 0);
  expect(tableOf([result])).toMatch(/ per 100 KB\n/);
});

test("Presidio is skipped, with the reason, where its Python is not", () => {
  const ours = makeRail("pii", { options: undefined, types: [] });
  if (!ours.ok) throw new Error(ours.error);
  const peer = presidioRail("no-such-python", ["a"], ours.value);
  expect(peer).toMatchObject({ ok: false, error: expect.stringContaining("presidio is skipped") });
});

test("a set of presidio-research keeps our types, in UTF-16 units", () => {
  const json = JSON.stringify([
    {
      full_text: "😀 a@b.de Ann",
      spans: [
        { entity_type: "EMAIL_ADDRESS", start_position: 2, end_position: 8 },
        { entity_type: "PERSON", start_position: 9, end_position: 12 },
      ],
    },
  ]);
  expect(presidioTexts(json)).toEqual([
    { text: "😀 a@b.de Ann", spans: [{ start: 3, end: 9, type: "EMAIL_ADDRESS" }] },
  ]);
});
