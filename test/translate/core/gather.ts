/**
 * What a client makes of a stream, written from the protocols' references and not from the house's own code: the events in
 * the order in which they may come, gathered to the answer that they tell. Throws where the order is broken.
 */
type Json = Record<string, unknown>;

const SSE = /event: (\S+)\ndata: (.*)\n\n/y;

/** Every event has its name in its data too. */
export function eventsIn(text: string): Json[] {
  const events: Json[] = [];
  SSE.lastIndex = 0;
  let at = 0;
  for (let match = SSE.exec(text); match !== null; match = SSE.exec(text)) {
    const data = JSON.parse(match[2] ?? "") as Json;
    if (data["type"] !== match[1]) throw new Error(`${match[1]} says ${String(data["type"])}`);
    events.push(data);
    at = SSE.lastIndex;
  }
  if (at !== text.length) throw new Error(`no event: ${text.slice(at)}`);
  return events;
}

export function gatherMessage(text: string): Json {
  const [start, ...events] = eventsIn(text);
  if (start?.["type"] !== "message_start") throw new Error("it does not begin with message_start");
  const message = start["message"] as Json & { content: Json[] };
  let open: (Json & { partial?: string }) | null = null;
  let isOver = false;
  for (const event of events) {
    if (isOver) throw new Error("something follows message_stop");
    switch (event["type"]) {
      case "content_block_start":
        if (open !== null || event["index"] !== message.content.length)
          throw new Error("a block begins within another");
        open = { ...(event["content_block"] as Json) };
        break;
      case "content_block_delta": {
        if (open === null || event["index"] !== message.content.length) throw new Error("a piece of no block");
        const { type, ...delta } = event["delta"] as Json;
        if (type === "input_json_delta") open.partial = (open.partial ?? "") + String(delta["partial_json"]);
        else for (const [name, piece] of Object.entries(delta)) open[name] = String(open[name]) + String(piece);
        break;
      }
      case "content_block_stop": {
        if (open === null) throw new Error("no block ends");
        const { partial, ...block } = open as Json & { partial?: string };
        message.content.push(partial === undefined ? block : { ...block, input: JSON.parse(partial) as unknown });
        open = null;
        break;
      }
      case "message_delta":
        if (open !== null) throw new Error("the message ends within a block");
        Object.assign(message, event["delta"]);
        message["usage"] = event["usage"];
        break;
      case "message_stop":
        isOver = true;
        break;
      default:
        throw new Error(`an event that there is not: ${String(event["type"])}`);
    }
  }
  if (!isOver) throw new Error("it has no end");
  return message;
}

export function gatherResponse(text: string): Json {
  const events = eventsIn(text);
  const output: Json[] = [];
  let open: { item: Json; parts: Json[]; text: string; isPart: boolean } | null = null;
  for (const [number, event] of events.entries()) {
    const type = String(event["type"]);
    if (event["sequence_number"] !== number)
      throw new Error(`${type} has the number ${String(event["sequence_number"])}`);
    if (number < 2 !== ["response.created", "response.in_progress"].includes(type))
      throw new Error(`${type} comes at ${number}`);
    if (type.startsWith("response.output_item") && event["output_index"] !== output.length)
      throw new Error("an item out of place");
    if (type === "response.output_item.added") {
      if (open !== null) throw new Error("an item begins within another");
      open = { item: event["item"] as Json, parts: [], text: "", isPart: false };
    } else if (type === "response.output_item.done") {
      if (open === null || open.isPart) throw new Error("an item ends within a part");
      const item = event["item"] as Json;
      if (item["id"] !== open.item["id"]) throw new Error("another item ends");
      if ("content" in item && JSON.stringify(item["content"]) !== JSON.stringify(open.parts))
        throw new Error("its parts are others");
      output.push(item);
      open = null;
    } else if ("item_id" in event) {
      if (open === null || event["item_id"] !== open.item["id"]) throw new Error(`${type} of no item`);
      if ("content_index" in event && event["content_index"] !== open.parts.length)
        throw new Error(`${type} of no part`);
      if (type.endsWith("part.added")) open.isPart = true;
      else if (type.endsWith("part.done")) {
        open.parts.push(event["part"] as Json);
        open.isPart = false;
      } else if (type.endsWith(".delta")) open.text += String(event["delta"]);
      else {
        const whole = event["text"] ?? event["arguments"] ?? event["refusal"] ?? event["input"];
        if (whole !== open.text) throw new Error(`${type} says another text`);
        open.text = "";
      }
    }
  }
  const last = events.at(-1);
  if (open !== null || !/^response\.(?:completed|incomplete)$/.test(String(last?.["type"])))
    throw new Error("it has no end");
  const response = last?.["response"] as Json;
  if (JSON.stringify(response["output"]) !== JSON.stringify(output)) throw new Error("its output is another");
  return response;
}
