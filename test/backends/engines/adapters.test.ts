import { describe, expect, test } from "vitest";
import { createAdapterEye, LIST_AGAIN_MS, withAdapters } from "../../../backends/engines/adapters.ts";
import { egress } from "../../../backends/egress.ts";
import { targetAt } from "../contract.ts";
import { start } from "../gpu-simulator-support.ts";
import { startOddServer } from "../odd-server.ts";

/** The pool's `law` is `law-v2` there. */
const NAMES = new Map([
  ["sql", "sql"],
  ["law", "law-v2"],
]);

async function listing(text: string, status = 200) {
  const { url, asked } = await startOddServer((_, response) => response.writeHead(status).end(text));
  const eye = createAdapterEye(NAMES);
  const look = async (report: Parameters<typeof withAdapters>[1] = null, now = 0) =>
    withAdapters(eye, report, { target: targetAt(url, `${url}/health`), egress, now });
  return { asked, look };
}

const models = (...ids: string[]) => JSON.stringify({ object: "list", data: ids.map((id) => ({ id })) });

describe("adapters of a pool at an engine", () => {
  test("are those that it lists, in the pool's words", async () => {
    const { look } = await listing(models("base", "law-v2", "strange"));
    expect(await look()).toEqual({ adaptersListed: ["law"] });
    expect(await look({ runningRequests: 1 })).toEqual({ runningRequests: 1, adaptersListed: ["law"] });
  });

  test("are in its batch under its own word, which is told in the pool's too", async () => {
    const { look } = await listing(models("base"));
    expect(await look({ adapters: ["law-v2", "sql", "strange"] })).toEqual({
      adapters: ["law-v2", "sql", "strange", "law"],
      adaptersListed: [],
    });
  });

  test.each([
    ["no list", "<html>", 200],
    ["an error", models("sql"), 500],
  ])("are not known where it answers %s", async (_, text, status) => {
    const { look } = await listing(text, status);
    expect(await look()).toBeNull();
    expect(await look({ runningRequests: 1 })).toEqual({ runningRequests: 1 });
  });

  test("are asked for again after LIST_AGAIN_MS and not before", async () => {
    const { asked, look } = await listing(models("sql"));
    for (const now of [0, 1, LIST_AGAIN_MS - 1]) await look(null, now);
    expect(asked.map(({ url }) => url)).toEqual(["/v1/models"]);
    await look(null, LIST_AGAIN_MS);
    expect(asked).toHaveLength(2);
  });

  test("are nothing to ask for where the pool has none", async () => {
    const { url, asked } = await startOddServer((_, response) => response.end(models("sql")));
    const from = { target: targetAt(url, `${url}/health`), egress, now: 0 };
    expect(await withAdapters(createAdapterEye(new Map()), null, from)).toBeNull();
    expect(asked).toEqual([]);
  });

  test("are told by the GPU simulator as vLLM tells them", async () => {
    const simulator = await start({ servedModelNames: ["base"], loraModules: ["sql", "law-v2"] });
    const from = { target: targetAt(simulator.url, `${simulator.url}/health`), egress, now: 0 };
    expect(await withAdapters(createAdapterEye(NAMES), null, from)).toEqual({ adaptersListed: ["sql", "law"] });
  });
});
