/**
 * An engine that speaks Responses, which it keeps, and Messages, and no chat completions: what the protocols look like
 * where nothing is translated.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type Body = Readonly<Record<string, unknown>> & { readonly stream?: boolean; readonly previous_response_id?: string };

export type NativeEngine = {
  readonly url: string;
  /** What was asked for, last first: method and path, with the body. */
  readonly asked: { readonly path: string; readonly body: Body | null }[];
  close(): Promise<void>;
};

let made = 0;

export async function startNativeEngine(says: string): Promise<NativeEngine> {
  const asked: { path: string; body: Body | null }[] = [];
  const kept = new Map<string, { readonly response: object; readonly input: unknown }>();
  const server = createServer((request, response) => {
    void handle(request, response).catch(() => response.destroy());
  });
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let raw = "";
    for await (const chunk of request.setEncoding("utf8")) raw += chunk as string;
    const { method = "", url = "" } = request;
    if (url === "/health") return void response.end("ok");
    if (method === "GET" && !url.startsWith("/v1/responses/")) return void json(response, 404, { detail: "Not Found" });
    const body = raw === "" ? null : (JSON.parse(raw) as Body);
    asked.unshift({ path: `${method} ${url}`, body });
    if (url === "/v1/messages") return void tellMessage(response, body?.stream === true);
    if (url === "/v1/messages/count_tokens") return void json(response, 200, { input_tokens: 7 });
    if (url === "/v1/responses") return void tellResponse(response, body ?? {});
    const [, id = "", rest = ""] = /^\/v1\/responses\/([^/?]+)([^?]*)/.exec(url) ?? [];
    const found = kept.get(id);
    if (found === undefined)
      return void json(response, 404, {
        error: { message: `Response ${id} not found`, type: "invalid_request_error", param: null, code: "404" },
      });
    if (method === "DELETE") {
      kept.delete(id);
      return void json(response, 200, { id, object: "response", deleted: true });
    }
    if (rest === "/input_items")
      return void json(response, 200, {
        object: "list",
        data: [{ id: "msg_in", type: "message", role: "user", content: [{ type: "input_text", text: found.input }] }],
        first_id: "msg_in",
        last_id: "msg_in",
        has_more: false,
      });
    return void json(response, 200, rest === "/cancel" ? { ...found.response, status: "cancelled" } : found.response);
  }
  function tellResponse(response: ServerResponse, body: Body): void {
    const id = `resp_${says}${++made}`;
    const previous = body.previous_response_id ?? null;
    if (previous !== null && !kept.has(previous)) {
      return void json(response, 404, {
        error: { message: `Response ${previous} not found`, type: "invalid_request_error", param: null, code: "404" },
      });
    }
    const content = [{ type: "output_text", text: says, annotations: [] }];
    const output = [{ type: "message", id: `msg_${id}`, role: "assistant", status: "completed", content }];
    const usage = { input_tokens: 12, output_tokens: 3, total_tokens: 15 };
    // An integer that a double cannot hold stays as it is.
    const whole = `{"id":"${id}","object":"response","status":"completed","previous_response_id":${JSON.stringify(previous)},"seed":90071992547409931,"output":${JSON.stringify(output)},"usage":${JSON.stringify(usage)}}`;
    kept.set(id, { response: JSON.parse(whole) as object, input: body["input"] });
    if (body.stream !== true) return void response.writeHead(200, { "content-type": "application/json" }).end(whole);
    const begun = { id, object: "response", status: "in_progress", previous_response_id: previous, output: [] };
    const events: [string, string][] = [
      ["response.created", `"response":${JSON.stringify(begun)}`],
      [
        "response.output_text.delta",
        `"item_id":"msg_${id}","output_index":0,"content_index":0,"delta":${JSON.stringify(says)}`,
      ],
    ];
    response.writeHead(200, { "content-type": "text/event-stream" });
    const all = (body["input"] === "cut" ? events : [...events, ["response.completed", `"response":${whole}`] as const])
      .map(([type, rest], number) => `event: ${type}\ndata: {"type":"${type}","sequence_number":${number},${rest}}\n\n`)
      .join("");
    response.end(all);
  }
  function tellMessage(response: ServerResponse, isStream: boolean): void {
    const message = {
      id: "msg_native",
      type: "message",
      role: "assistant",
      model: "m",
      content: [],
      stop_reason: null,
      stop_sequence: null,
    };
    const usage = { input_tokens: 12, output_tokens: 3 };
    if (!isStream) {
      return void json(response, 200, {
        ...message,
        content: [{ type: "text", text: says }],
        stop_reason: "end_turn",
        usage,
      });
    }
    const events: [string, object][] = [
      ["message_start", { message: { ...message, usage: { ...usage, output_tokens: 0 } } }],
      ["content_block_start", { index: 0, content_block: { type: "text", text: "" } }],
      ["content_block_delta", { index: 0, delta: { type: "text_delta", text: says } }],
      ["content_block_stop", { index: 0 }],
      ["message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage }],
      ["message_stop", {}],
    ];
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(
      events.map(([type, rest]) => `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`).join(""),
    );
  }
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((settle) => {
        server.close(() => settle());
        server.closeAllConnections();
      }),
  };
}

const json = (response: ServerResponse, status: number, value: unknown) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
