/**
 * The requests of coding agents, as their public documents have them, with the last words of the user exchanged. No program
 * of theirs runs here: what reads the streams is an independent reader of events, which takes an error for what it is.
 */
import { createParser } from "eventsource-parser";
import { key, url, weatherOf } from "./given.mjs";

/** `shape` makes a request of the agent; `path`, where it goes. What differs between the protocols is in `form`. */
export function agentClient({ path, shape, form }) {
  async function turn(model, change, onText, signal) {
    const { headers, body } = shape(model);
    const answer = await fetch(url + path, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify(change(body)),
      signal,
    });
    if (!answer.ok) throw Object.assign(new Error(await answer.text()), { status: answer.status });
    const events = [];
    const parser = createParser({ onEvent: ({ data }) => data !== "[DONE]" && events.push(JSON.parse(data)) });
    for await (const bytes of answer.body.pipeThrough(new TextDecoderStream())) {
      const from = events.length;
      parser.feed(bytes);
      for (const event of events.slice(from)) {
        if (event.type === "error") throw new Error(JSON.stringify(event));
        const text = form.textOf(event);
        if (text) onText(text);
      }
    }
    if (!events.some(form.isEnd)) throw new Error("the stream ended without its end");
    return events;
  }
  const gather = async (model, change) => {
    const texts = [];
    await turn(model, change, (text) => texts.push(text));
    return texts.join("");
  };
  return {
    ask: ({ model, text }) => gather(model, (body) => form.says(body, text)),
    stream: ({ model, text, onText, signal }) => turn(model, (body) => form.says(body, text), onText, signal),
    async tools({ model, text }) {
      const asked = (body) => form.says(form.withoutTurns(body), text);
      const events = await turn(model, asked, () => {});
      const results = form.callsOf(events).map((call) => ({ ...call, result: weatherOf(call.input) }));
      return gather(model, (body) => form.answered(asked(body), results));
    },
    vision: ({ model, text, picture }) => gather(model, (body) => form.sees(body, text, picture)),
  };
}
