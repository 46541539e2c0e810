import { describe, expect, test } from "vitest";
import { AFFINITY_TOKENS_MIN } from "../../src/routing/core/shard/affinity.ts";
import { affinityKeyOf } from "../../src/gateway/affinity-key.ts";
import type { KeyedRequest } from "../../src/gateway/affinity-key.ts";
import { answerKeys, SESSION_CHARS_MAX, sessionKeyOf } from "../../src/gateway/session-key.ts";
import { MARK_CHARS_MIN } from "../../src/routing/core/shard/prompt-chain.ts";
import { hashKeyOf } from "../../src/lib/keyed-hash.ts";

const SECRET = hashKeyOf("pepper of at least thirty-two characters");
const PROMPT = "You are a helpful assistant. ".repeat(50);

type Changes = Partial<Omit<KeyedRequest, "session">> & { readonly headers?: Readonly<Record<string, string>> };

const keyOf = ({ headers = {}, json = null, tenant = "t", ...changes }: Changes = {}, secret = SECRET) =>
  affinityKeyOf(secret, {
    mode: "prefix",
    tenant,
    session: sessionKeyOf(secret, tenant, new Headers(headers), json),
    json,
    hasPrompt: true,
    inputTokens: 4_000,
    ...changes,
  });

const chat = (...contents: unknown[]) => ({ messages: contents.map((content) => ({ role: "user", content })) });

describe("a session", () => {
  test.each<{ name: string; changes: Changes }>([
    {
      name: "x-warmpath-session",
      changes: { headers: { "x-claude-code-session-id": "o", "x-warmpath-session": "s1" } },
    },
    { name: "Claude Code", changes: { headers: { "x-session-affinity": "o", "x-claude-code-session-id": "s1" } } },
    { name: "x-session-affinity", changes: { headers: { "x-session-id": "o", "x-session-affinity": "s1" } } },
    { name: "x-session-id", changes: { headers: { "session-id": "o", "x-session-id": "s1" } } },
    { name: "session-id", changes: { headers: { session_id: "o", "session-id": "s1" } } },
    { name: "Codex", changes: { headers: { session_id: "s1" }, json: { prompt_cache_key: "o" } } },
    { name: "prompt_cache_key", changes: { json: { prompt_cache_key: "s1", conversation: "o" } } },
    { name: "a conversation", changes: { json: { conversation: "s1", previous_response_id: "o" } } },
    { name: "a conversation's id", changes: { json: { conversation: { id: "s1" }, previous_response_id: "o" } } },
    { name: "the answer before", changes: { json: { previous_response_id: "s1", metadata: { user_id: "o" } } } },
    { name: "metadata.user_id", changes: { json: { metadata: { user_id: "s1" }, user: "o" } } },
    { name: "user", changes: { json: { user: "s1" } } },
    { name: "a header of a request whose body is no JSON", changes: { headers: { "x-session-id": "s1" }, json: null } },
    { name: "a member, before how the prompt begins", changes: { json: { ...chat(PROMPT), user: "s1" } } },
  ])("is named by $name", ({ changes }) => {
    const named = { key: keyOf({ json: { user: "s1" } })?.key, tokens: 4_000, kind: "session" };
    expect(keyOf(changes)).toMatchObject(named);
  });

  test.each<{ name: string; changes: Changes }>([
    { name: "an empty header", changes: { headers: { "x-session-id": "" } } },
    { name: "a number", changes: { json: { user: 7 } } },
    { name: "an empty name", changes: { json: { prompt_cache_key: "" } } },
    { name: "members of another shape", changes: { json: { conversation: { id: 7 }, metadata: "user_id" } } },
    { name: "members that are null", changes: { json: { conversation: null, metadata: null, user: null } } },
    { name: "a body that is a list", changes: { json: ["user"] } },
  ])("is not named by $name", ({ changes }) => {
    expect(keyOf(changes)).toBeNull();
  });

  test("is cut at SESSION_CHARS_MAX characters", () => {
    const named = (chars: number) => keyOf({ json: { user: "x".repeat(chars) } })?.key;
    expect(named(SESSION_CHARS_MAX + 1)).toBe(named(SESSION_CHARS_MAX));
    expect(named(SESSION_CHARS_MAX - 1)).not.toBe(named(SESSION_CHARS_MAX));
  });
});

describe("a request that goes on from an answer", () => {
  const short = { inputTokens: 40, json: { previous_response_id: "resp_1", input: "and then?" } };

  test("has the answer's own key, however short it is, and says so", () => {
    const key = answerKeys(SECRET, "t")("resp_1");
    expect(keyOf(short)).toEqual({ key, tokens: 40, kind: "session", goesOn: true });
    expect(answerKeys(SECRET, "other")("resp_1")).not.toBe(key);
  });

  test("has its session's key where it names one", () => {
    const json = { ...short.json, prompt_cache_key: "s1" };
    expect(keyOf({ ...short, json })).toEqual({ ...keyOf(short), key: keyOf({ json: { user: "s1" } })?.key });
  });

  test.each([
    { name: "in a pool that wants none", changes: { mode: "off" } },
    { name: "from nothing", changes: { json: { previous_response_id: "", input: "and then?" } } },
    { name: "from what is no id", changes: { json: { previous_response_id: 7, user: "s1" } } },
  ] as const)("has none $name", ({ changes }) => {
    expect(keyOf({ ...short, ...changes })).toBeNull();
  });
});

describe("a prefix", () => {
  const exactly = (chars: number) => "x".repeat(chars - "user".length);

  test.each<{ name: string; json: unknown }>([
    { name: "messages", json: chat(PROMPT, "a") },
    { name: "parts of messages", json: chat([{ type: "text", text: PROMPT }], "b") },
  ])("is the beginning of $name, whatever follows", ({ json }) => {
    expect(keyOf({ json })?.key).toEqual(keyOf({ json: chat(PROMPT, "c") })?.key);
    expect(keyOf({ json })?.kind).toBe("prefix");
  });

  test.each([{ prompt: PROMPT }, { input: PROMPT }, { system: PROMPT, messages: [] }, { instructions: PROMPT }])(
    "is also read from %o",
    (json) => {
      expect(keyOf({ json })).toMatchObject({ kind: "prefix" });
    },
  );

  test("has MARK_CHARS_MIN characters at least, and is what they are", () => {
    expect(keyOf({ json: chat(exactly(MARK_CHARS_MIN - 1)) })).toBeNull();
    const key = keyOf({ json: chat(exactly(MARK_CHARS_MIN)) })?.key;
    expect(key).toMatch(/^[0-9a-f]{16}$/);
    expect(keyOf({ json: chat(`${exactly(MARK_CHARS_MIN)}y`) })?.key).toBe(key);
    expect(keyOf({ json: chat(`y${exactly(MARK_CHARS_MIN)}`) })?.key).not.toBe(key);
  });

  test("is not looked for where there is no prompt", () => {
    expect(keyOf({ json: chat(PROMPT), hasPrompt: false })).toBeNull();
  });

  test("goes with a session's name, where the pool reads prompts", () => {
    const json = { ...chat(PROMPT), user: "s1" };
    expect(keyOf({ json })?.chain).toEqual(keyOf({ json: chat(PROMPT) })?.chain);
    expect(keyOf({ json, mode: "session" })).not.toHaveProperty("chain");
  });
});

describe("a key", () => {
  const json = { user: "s1" };

  test("is another one for another tenant, another deployment, and for a prompt that reads like a session", () => {
    const keys = [
      keyOf({ json }),
      keyOf({ json, tenant: "u" }),
      keyOf({ json }, hashKeyOf("another pepper of thirty-two characters")),
      keyOf({ json: { user: "t s1" }, tenant: "" }),
      keyOf({ json: chat(PROMPT) }),
    ];
    expect(new Set(keys.map((one) => one?.key)).size).toBe(keys.length);
  });

  test.each([
    { tokens: AFFINITY_TOKENS_MIN - 1, has: false },
    { tokens: AFFINITY_TOKENS_MIN, has: true },
  ])("is made for a prompt of $tokens tokens: $has", ({ tokens, has }) => {
    expect(keyOf({ json, inputTokens: tokens }) !== null).toBe(has);
  });

  test.each([
    { mode: "off", session: false, prefix: false },
    { mode: "session", session: true, prefix: false },
    { mode: "prefix", session: true, prefix: true },
  ] as const)("in mode $mode: of a session $session, of a prefix $prefix", ({ mode, session, prefix }) => {
    expect(keyOf({ mode, json }) !== null).toBe(session);
    expect(keyOf({ mode, json: chat(PROMPT) }) !== null).toBe(prefix);
  });
});
