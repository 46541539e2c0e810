import { codex } from "../../test/support/agent-requests.ts";
import { agentClient } from "./agent.mjs";

const user = (body, ...content) => ({ ...body, input: [...body.input, { type: "message", role: "user", content }] });

const form = {
  says: (body, text) => user(body, { type: "input_text", text }),
  withoutTurns: (body) => ({ ...body, input: body.input.slice(0, 2) }),
  textOf: ({ type, delta }) => (type === "response.output_text.delta" ? delta : undefined),
  isEnd: ({ type }) => type === "response.completed",
  callsOf: (events) =>
    events
      .filter(({ type, item }) => type === "response.output_item.done" && item.type === "function_call")
      .map(({ item }) => ({ ...item, input: JSON.parse(item.arguments) })),
  answered(body, calls) {
    const made = calls.map(({ type, name, arguments: args, call_id }) => ({ type, name, arguments: args, call_id }));
    const results = calls.map(({ call_id, result: output }) => ({ type: "function_call_output", call_id, output }));
    return { ...body, input: [...body.input, ...made, ...results] };
  },
  sees: (body, text, picture) => user(body, { type: "input_image", image_url: picture }, { type: "input_text", text }),
};

export const version = "0.120.0, its documents";
export const { ask, stream, tools, vision } = agentClient({ path: "/v1/responses", shape: codex, form });
