import { claudeCode } from "../../test/support/agent-requests.ts";
import { agentClient } from "./agent.mjs";

/** What the agent asks for, 32,000, a simulated GPU writes to the last token. */
const TOKENS_MAX = 64;

const user = (body, ...content) => ({ ...body, messages: [...body.messages, { role: "user", content }] });

const form = {
  says: (body, text) => user({ ...body, max_tokens: TOKENS_MAX }, { type: "text", text }),
  withoutTurns: (body) => ({ ...body, messages: body.messages.slice(0, 1) }),
  textOf: ({ type, delta }) => (type === "content_block_delta" ? delta.text : undefined),
  isEnd: ({ type }) => type === "message_stop",
  callsOf: (events) =>
    events.flatMap(({ content_block: block, index }) => {
      if (block?.type !== "tool_use") return [];
      const json = events
        .filter((event) => event.type === "content_block_delta" && event.index === index)
        .map(({ delta }) => delta.partial_json ?? "");
      return { ...block, input: JSON.parse(json.join("")) };
    }),
  answered(body, calls) {
    const content = calls.map(({ id, name, input }) => ({ type: "tool_use", id, name, input }));
    const results = calls.map(({ id, result }) => ({ type: "tool_result", tool_use_id: id, content: result }));
    return user({ ...body, messages: [...body.messages, { role: "assistant", content }] }, ...results);
  },
  sees(body, text, picture) {
    const [, media_type, data] = /^data:([^;]*);base64,(.*)$/s.exec(picture);
    return user(body, { type: "image", source: { type: "base64", media_type, data } }, { type: "text", text });
  },
};

export const version = "2.1.280, its documents";
export const { ask, stream, tools, vision } = agentClient({ path: "/v1/messages?beta=true", shape: claudeCode, form });
