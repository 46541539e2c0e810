/**
 * What every client of JavaScript is asked, in the same words: reads one order a line from its input, does it with the
 * client that the first argument names, and prints what the client returned or raised. It judges nothing: the
 * harness knows what was to come, and looks at the router and the engine as well.
 *
 * A client is a module that exports `version`, and those of `ask`, `stream`, `tools`, `structured`, `vision` that it
 * has; each takes what it needs of `{ model, text, schema, tool, run, picture, onText, signal }`.
 */
import { createInterface } from "node:readline";

/** More pieces than this come only from an answer that has no end. */
const PIECES_BEFORE_ABORT = 2;

async function read(client, order, signal, leave) {
  const pieces = [];
  let raised = null;
  try {
    await client.stream({
      ...order,
      signal,
      onText(text) {
        if (text) pieces.push(text);
        if (leave !== undefined && pieces.length === PIECES_BEFORE_ABORT) leave();
      },
    });
  } catch (error) {
    raised = told(error);
  }
  return { pieces, raised };
}

const FEATURES = {
  ask: async (client, order) => ({ text: await client.ask(order) }),
  tools: async (client, order) => ({ text: await client.tools(order) }),
  structured: async (client, order) => ({ value: await client.structured(order) }),
  vision: async (client, order) => ({ text: await client.vision(order) }),
  stream: (client, order) => read(client, order, undefined),
  abort: (client, order) => {
    const leaving = new AbortController();
    return read(client, order, leaving.signal, () => leaving.abort());
  },
  many: async (client, order) => ({
    texts: await Promise.all(Array.from({ length: order.count }, () => client.ask(order))),
  }),
};

/** What is written of an error: wrappers put the one that matters behind `cause` or `lastError`. */
function told(error) {
  const chain = [];
  for (let at = error; at && chain.length < 5; at = at.lastError ?? at.cause) chain.push(at);
  return {
    type: error?.constructor?.name ?? typeof error,
    message: chain
      .map((one) => String(one.message ?? JSON.stringify(one)))
      .join(" <- ")
      .slice(0, 600),
    status: chain.map((one) => one.status ?? one.statusCode).find((status) => status !== undefined) ?? null,
  };
}

async function main() {
  const client = await import(new URL(`${process.argv[2]}.mjs`, import.meta.url).href);
  console.log(JSON.stringify({ version: client.version, has: Object.keys(FEATURES).filter((name) => name in client) }));
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    let answer;
    try {
      answer = await (client[order.feature] === undefined || FEATURES[order.feature] !== undefined
        ? FEATURES[order.feature](client, order)
        : client[order.feature](order));
    } catch (error) {
      answer = { raised: told(error) };
    }
    console.log(JSON.stringify(answer));
  }
  process.exit(0);
}

await main();
