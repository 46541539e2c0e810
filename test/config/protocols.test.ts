import { expect, test } from "vitest";
import { parseConfig } from "../../src/config/config-parse.ts";
import { configText } from "./config-sample.ts";

const PATH = "pools.llama.endpoints.0.protocols";

test.each([[["chat"]], [["chat", "responses"]], [["messages", "chat"]]])("an endpoint may speak %j", (protocols) => {
  const parsed = parseConfig(configText(PATH, protocols));
  expect(parsed.ok && parsed.value.pools.get("llama")?.endpoints[0]?.protocols).toEqual(protocols);
});

test.each([
  [["messages"], 'name "chat" too'],
  [[], 'name "chat" too'],
  [["chat", "gemini"], "messages"],
])("an endpoint may not speak %j", (protocols, fix) => {
  const parsed = parseConfig(configText(PATH, protocols));
  expect(parsed.ok ? "" : JSON.stringify(parsed.error)).toContain(fix.replaceAll('"', '\\"'));
});
