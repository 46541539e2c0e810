/** The requests of coding agents, as their public documents have them, at an engine that speaks chat completions alone. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { claudeCode, codex } from "../support/agent-requests.ts";
import { startChatEngine } from "../support/chat-engine.ts";
import type { ChatEngine } from "../support/chat-engine.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { gatherMessage, gatherResponse } from "../translate/core/gather.ts";

let engine: ChatEngine;
let fleet: Fleet;

beforeAll(async () => {
  engine = await startChatEngine();
  fleet = await startFleet({ endpoints: [{ id: "one", region: "us-east", config: { url: engine.url } }] });
});
afterAll(async () => {
  await fleet.close();
  await engine.close();
});

const ask = (path: string, { headers, body }: { headers: Record<string, string>; body: object }) =>
  fleet.call(path, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(body),
  });

test("a turn of Claude Code is answered, and arrives with nothing lost but what is named", async () => {
  const answer = await ask("/v1/messages?beta=true", claudeCode(fleet.model));
  expect(answer.status).toBe(200);
  expect(answer.headers.get("x-warmpath-translated")).toBe(
    'chat;dropped="context_management x-anthropic-billing-header cache_control signature eager_input_streaming"',
  );
  expect(gatherMessage(await answer.text())).toMatchObject({
    content: [{ type: "thinking" }, { type: "text", text: "Four." }],
    stop_reason: "end_turn",
  });
  const asked = engine.asked[0];
  expect(asked?.["reasoning_effort"]).toBe("high");
  expect(asked?.["tools"]).toHaveLength(2);
  const messages = asked?.messages;
  expect(messages?.map(({ role }) => role)).toEqual(["system", "user", "system", "assistant", "tool", "tool", "user"]);
  expect(messages?.[3]).toMatchObject({
    reasoning_content: "I read it.",
    tool_calls: [{ id: "toolu_01" }, { id: "toolu_02" }],
  });
  expect(messages?.[5]?.content).toBe("Error: no such directory");
});

test("what Claude Code counts before is counted", async () => {
  const { headers, body } = claudeCode(fleet.model);
  const { model, system, tools, messages } = body;
  const answer = await ask("/v1/messages/count_tokens?beta=true", {
    headers,
    body: { model, system, tools, messages },
  });
  expect(await answer.json()).toEqual({ input_tokens: 42 });
});

test("a turn of Codex is answered, and its custom tool is called with a text", async () => {
  const answer = await ask("/v1/responses", codex(fleet.model));
  expect(answer.status).toBe(200);
  expect(gatherResponse(await answer.text())).toMatchObject({
    status: "completed",
    output: [{ type: "custom_tool_call", name: "apply_patch", input: "*** Begin\n*** End" }],
  });
  const { messages } = engine.asked[0] ?? {};
  expect(messages?.map(({ role }) => role)).toEqual(["system", "user", "user", "assistant", "tool", "user"]);
  expect(messages?.[3]).toMatchObject({ reasoning_content: "I look.", tool_calls: [{ id: "call_1" }] });
});

test("Codex' search of the web, which such an engine does not have, is refused by its name", async () => {
  const { headers, body } = codex(fleet.model);
  const answer = await ask("/v1/responses", {
    headers,
    body: { ...body, tools: [...body.tools, { type: "web_search" }] },
  });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: { param: "tools[2].type" } });
});

test("an endpoint that has no such path is asked for it once, and in chat from then on", async () => {
  for (let turn = 0; turn < 3; turn += 1) await (await ask("/v1/messages", claudeCode(fleet.model))).text();
  const asked = engine.paths.filter((path) => path.startsWith("/v1/messages") && !path.includes("count_tokens"));
  expect(asked).toHaveLength(1);
});
