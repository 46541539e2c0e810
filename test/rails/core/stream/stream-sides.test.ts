/** What a stream says beside the texts of its protocol: lines around the data, members that nobody knows, cut anywhere. */
import { describe, expect, test } from "vitest";
import { PLACES_MAX } from "../../../../src/rails/core/stream/rest-judge.ts";
import { createStreamRails } from "../../../../src/rails/core/stream/stream-rails.ts";
import type { RailedFormat } from "../../../../src/rails/core/stream/stream-events.ts";
import { scannerOf } from "../../../../src/rails/core/stream/stream-scanner.ts";
import type { StreamScanner } from "../../../../src/rails/core/stream/stream-scanner.ts";
import type { WholeRail } from "../../../../src/rails/core/stream/stream-whole.ts";
import { secretsScanner } from "../../../../src/rails/detectors/secrets/stream-secrets.ts";
import { topicsScanner } from "../../../../src/rails/detectors/topics/stream-topics.ts";
import { GITHUB_KEY, SETS } from "./stream-support.ts";

const ALL = SETS["all"] ?? [];
const K = GITHUB_KEY;
const R = "[REDACTED:github_token]";
const PIECES = K.match(/.{1,3}/g) ?? [];

/** Finds one number by its digits. */
const cards = scannerOf({
  rail: "digits",
  action: "redact",
  find: (text) => {
    const start = text.indexOf("6304000000000000005");
    return start === -1 ? [] : [{ start, end: start + 19, type: "digits" }];
  },
});

type Options = { readonly scanners?: readonly StreamScanner[]; readonly wholes?: readonly WholeRail[] };

function run(format: RailedFormat, pieces: readonly string[], { scanners = ALL, wholes = [] }: Options = {}) {
  const rails = createStreamRails({ format, scanners, wholes });
  let out = "";
  for (const piece of pieces) out += rails.push(piece).out;
  const last = rails.end();
  return { out: out + last.out, blocked: last.blocked, record: rails.record() };
}

const data = (event: unknown): string => `data: ${JSON.stringify(event)}\n\n`;
const delta = (members: object, more: object = {}): string =>
  data({ id: "c", choices: [{ index: 0, delta: members, finish_reason: null }], ...more });
const STOP = `${data({ id: "c", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}data: [DONE]\n\n`;

const logprobs = (token: object): object => ({ logprobs: { content: [{ logprob: -1, ...token }] } });

type Chunk = { choices?: { delta?: Record<string, unknown> }[] };
/** What a client puts together of one member of the deltas. */
const joined = (out: string, read: (delta: Record<string, unknown>) => unknown): string =>
  [...out.matchAll(/^data: (\{.*)$/gm)]
    .map(([, json = ""]) => (JSON.parse(json) as Chunk).choices?.[0]?.delta)
    .map((one) => String(one === undefined ? "" : (read(one) ?? "")))
    .join("");

describe.each([
  ["a comment", `: ${K} \n\n`, `: ${R} \n\n`],
  ["a comment before the data", `:${K}\ndata: ping\n\n`, `:${R}\ndata: ping\n\n`],
  ["an event's name", `event: ${K}\ndata: ping\n\n`, `event: ${R}\ndata: ping\n\n`],
  ["an event's id", `id: ${K}\ndata: ping\n\n`, `id: ${R}\ndata: ping\n\n`],
  ["a time to retry", `retry: ${K}\n\n`, `retry: ${R}\n\n`],
  ["a field that is none", `note: ${K}\n\n`, `note: ${R}\n\n`],
  ["lines that end with CRLF", `: ${K}\r\nid: ${K}\r\n\r\n`, `: ${R}\nid: ${R}\n\n`],
  ["an array as data", data([K]), data([R])],
  ["an error", data({ error: { message: `no: ${K}` } }), data({ error: { message: `no: ${R}` } })],
  [
    "a system fingerprint",
    delta({ content: "a " }, { system_fingerprint: K }),
    delta({ content: "a " }, { system_fingerprint: R }),
  ],
  [
    "a tool's name",
    delta({ tool_calls: [{ index: 0, function: { name: K } }] }),
    delta({ tool_calls: [{ index: 0, function: { name: R } }] }),
  ],
  ["the name of a member", delta({ x: { [K]: 1 } }), delta({ x: { [R]: 1 } })],
  ["two members of one name", `data: {"choices":[],"x":"${K}","x":"y"}\n\n`, data({ choices: [], x: "y" })],
])("%s", (_, said, shown) => {
  test("is redacted, wherever the stream is cut", () => {
    const { out } = run("chat", [said + STOP]);
    expect(out).toBe(shown + STOP);
    const whole = said + STOP;
    for (let at = 1; at < said.length + 2; at += 1)
      expect(run("chat", [whole.slice(0, at), whole.slice(at)]).out).toBe(out);
  });
});

describe("a text in members that no protocol has", () => {
  test.each([
    ["in a delta", (text: string) => ({ scratchpad: text }), (one: Record<string, unknown>) => one["scratchpad"]],
    [
      "in a list of a delta",
      (text: string) => ({ reasoning_details: [{ type: "reasoning.text", index: 0, text }] }),
      (one: Record<string, unknown>) => (one["reasoning_details"] as { text: string }[] | undefined)?.[0]?.text,
    ],
  ])("is held and redacted over events: %s", (_, members, read) => {
    const events = ["it is ", ...PIECES, " now"].map((piece) => delta(members(piece)));
    const { out } = run("chat", [events.join("") + STOP]);
    expect(joined(out, read)).toBe(`it is ${R} now`);
    expect(run("chat", (events.join("") + STOP).split("")).out).toBe(out);
  });

  test("what is held at the end goes out before the finish reason, with nothing else in its event", () => {
    const { out } = run("chat", [delta({ content: "hi ", scratchpad: "key: ghp_" }) + STOP]);
    expect(joined(out, (one) => one["scratchpad"])).toBe("key: ghp_");
    expect(joined(out, (one) => one["content"])).toBe("hi ");
    expect(out.indexOf("ghp_")).toBeLessThan(out.indexOf('"stop"'));
  });

  test("is held on a path of the server's own", () => {
    const events = ["it is ", ...PIECES, " now"].map((text) => data({ token: { text } }));
    const { out } = run("any", [events.join("")]);
    const text = [...out.matchAll(/"text":"([^"]*)"/g)].map(([, piece = ""]) => piece).join("");
    expect(text).toBe(`it is ${R} now`);
  });

  test("of names that nobody knows is known when it is complete, and never an allow", () => {
    const events = PIECES.map((piece) => data({ x: { y: piece } })).join("");
    expect(run("any", [events]).record).toMatchObject({ verdict: "redact", reasons: ["secrets:github_token"] });
    const { out, blocked } = run("any", [events + data({ x: "more" })], { scanners: [secretsScanner("block")] });
    expect(blocked).toEqual({ rail: "secrets", reasons: ["secrets:github_token"] });
    expect(out).toContain("event: error\n");
    expect(out).not.toContain("more");
  });

  test("does not make a schema's answer of a reasoning", () => {
    const json: WholeRail = { rail: "schema", action: "block", onlyAnswers: true, find: () => ["json"] };
    const event = delta({ reasoning_details: [{ index: 0, text: "hm" }] });
    expect(run("chat", [event + STOP], { wholes: [json] }).blocked).toBe(null);
  });
});

describe("what comes in every event", () => {
  test("is not put together with itself", () => {
    const event = delta({ content: "word " }, { model: "ghp_", system_fingerprint: "fp_12345678" });
    expect(run("chat", [event.repeat(20) + STOP]).out).toBe(event.repeat(20) + STOP);
  });

  test.each<[string, (said: string) => object]>([
    ["a token", (token) => logprobs({ token })],
    ["a token's bytes", (said) => logprobs({ token: "", bytes: [...Buffer.from(said)] })],
    ["a token that was not taken", (token) => logprobs({ token: "", top_logprobs: [{ token, logprob: -1 }] })],
    ["a member that nobody knows", (note) => ({ x: { note } })],
  ])("is not put together with what was redacted in the first: %s", (_name, members) => {
    const event = (said: string): string =>
      data({ id: "c", choices: [{ index: 0, delta: { content: "word " }, ...members(said) }] });
    const next = event("ok") + event(" and") + STOP;
    const { out } = run("chat", [event(K) + next]);
    expect(out).not.toContain(K);
    expect(out.slice(-next.length)).toBe(next);
  });

  test("padding behind a known form is read", () => {
    const event = (obfuscation: string): string => delta({ content: "word " }, { obfuscation });
    const said = event("abc") + event("def") + event(K) + STOP;
    expect(run("chat", [said]).out).toBe(said.replace(K, R));
  });

  test("a number that a double cannot hold stays as it was where its event is written anew, and is read", () => {
    const said = `data: {"seed":9007199254740993,"x":-6304000000000000123,"choices":[],"note":"${K}"}\n\n`;
    expect(run("chat", [said]).out).toBe(said.replace(K, R));
    const card = 'data: {"n":63040000000000000001,"total":6304000000000000005,"choices":[]}\n\n';
    const { out, record } = run("any", [card], { scanners: [cards] });
    expect(out).toBe(card);
    expect(record.findings).toMatchObject([{ rail: "digits", action: "flag", count: 1 }]);
  });

  test("a number that counts events does not carry another", () => {
    const event = (sequence_number: number): string =>
      data({ type: "response.output_text.delta", output_index: 0, delta: "word ", sequence_number });
    const said = event(1) + event(2) + event(4_111_111_111_111_111);
    const { out, record } = run("responses", [said]);
    expect(out).toBe(said);
    expect(record).toMatchObject({ verdict: "flag", reasons: ["pii:card"] });
  });
});

describe("a text in base64", () => {
  const code = btoa(`the key is ${K}`);

  test("is a flag where its pieces were shown before it could be known", () => {
    const events = (code.match(/.{1,5}/g) ?? []).map((content) => delta({ content })).join("");
    const { out, record } = run("chat", [events + STOP]);
    expect(joined(out, (one) => one["content"])).toBe(code);
    expect(record).toMatchObject({ verdict: "flag", reasons: ["secrets:github_token"] });
  });

  test("ends the answer where the rail blocks, and one that is whole is not shown", () => {
    const { out, blocked } = run("chat", [delta({ content: `see ${code}` }) + STOP], {
      scanners: [secretsScanner("block")],
    });
    expect(blocked).toEqual({ rail: "secrets", reasons: ["secrets:github_token"] });
    expect(out).not.toContain(code);
  });
});

describe("a text in disguise is a flag, or ends the answer, however it is cut:", () => {
  const half = Math.floor(K.length / 2);
  const between = (sign: string): string => K.split("").join(sign);
  test.each([
    ["full-width letters", K.replaceAll(/[A-Za-z0-9]/g, (char) => String.fromCharCode(char.charCodeAt(0) + 0xfee0))],
    ["zero-width spaces", between("\u200b")],
    ["one zero-width space", `${K.slice(0, half)}\u200b${K.slice(half)}`],
    ["control characters", between("\u0001")],
    ["one NUL", `${K.slice(0, half)}\0${K.slice(half)}`],
  ])("%s", (_, disguised) => {
    for (const size of [1, 3, 1_000]) {
      const pieces = disguised.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
      const events = ["see ", ...pieces, " ok"].map((content) => delta({ content })).join("") + STOP;
      expect(run("chat", [events]).record).toMatchObject({ reasons: ["secrets:github_token"] });
      const scanners = [secretsScanner("block")];
      expect(run("chat", [events], { scanners }).blocked).toMatchObject({ rail: "secrets" });
    }
  });

  test("prose of other scripts has none", () => {
    const prose = "Обычный текст, без уловок. 这是一段普通的中文，没有隐藏的内容。ＡＢＣ 株式会社 👩‍👩‍👧‍👦 Café";
    const events = [...prose.repeat(20)].map((content) => delta({ content })).join("") + STOP;
    expect(run("chat", [events], { scanners: [secretsScanner("block")] }).blocked).toBeNull();
  });
});

test("a block beside the text ends the stream, and its closing repeats nothing of that event", () => {
  const banned = [topicsScanner("block", { topics: { rivals: ["acme"] } })];
  const { out, blocked } = run("chat", [delta({ content: "hi " }) + delta({ content: "x" }, { model: "acme" })], {
    scanners: banned,
  });
  expect(blocked).toEqual({ rail: "topics", reasons: ["topics:rivals"] });
  expect(out).not.toContain("acme");
  expect(out).toContain('"finish_reason":"content_filter"');
});

test("a rail that only flags sees it too", () => {
  const watch: WholeRail = {
    rail: "watch",
    action: "flag",
    onlyAnswers: false,
    find: (text) => (text.includes("odd") ? ["odd"] : []),
  };
  const { record } = run("chat", [`: odd\n\n${STOP}`], { scanners: [], wholes: [watch] });
  expect(record).toMatchObject({ verdict: "flag", reasons: ["watch:odd"] });
});

test.each([
  [PLACES_MAX, []],
  [PLACES_MAX + 1, ["too_many_parts"]],
])("of %i places in one stream, what is beyond the bound is told", (places, unread) => {
  const results = Array.from({ length: places }, (_, index) => ({ index, title: "a" }));
  expect(run("any", [data({ results })]).record.unread).toEqual(unread);
});
