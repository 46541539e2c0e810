import { describe, expect, test } from "vitest";
import { egress } from "../../../backends/egress.ts";
import { askEngine, LOOK_AGAIN_MS, MISSES_MAX } from "../../../backends/engines/ask.ts";
import { createEye } from "../../../backends/engines/eye.ts";
import { METRICS_BYTES_MAX } from "../../../backends/engines/prometheus.ts";
import { targetAt } from "../contract.ts";
import { start } from "../gpu-simulator-support.ts";
import { refusedUrl, startOddServer } from "../odd-server.ts";

/** A server that tells at these paths; what is there may change. */
const telling = (at: Record<string, string>) =>
  startOddServer(({ url = "" }, response) => {
    const body = at[url];
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });

const METRICS = "vllm:num_requests_running 3\n";
const asker = (url: string, eye = createEye("auto")) => ({
  eye,
  ask: async (now = 0) => askEngine(eye, targetAt(url, `${url}/health`), egress, now),
});

describe("where an engine tells", () => {
  test("is found once, and then asked alone, with the endpoint's own credential", async () => {
    const { url, asked } = await telling({ "/metrics": METRICS });
    const { ask } = asker(url);
    expect(await ask()).toEqual({ runningRequests: 3 });
    expect(await ask()).toEqual({ runningRequests: 3 });
    expect(asked.map((one) => one.url)).toEqual(["/v1/loads", "/metrics", "/metrics"]);
    expect(new Set(asked.map(({ authorization }) => authorization))).toEqual(new Set(["Bearer work"]));
  });

  test("is where it tells the most, if it tells at several", async () => {
    const loads = JSON.stringify({ loads: [{ num_running_reqs: 1, num_waiting_uncached_tokens: 900 }] });
    const { url } = await telling({ "/metrics": "sglang:num_running_reqs 1\n", "/v1/loads": loads });
    expect(await asker(url).ask()).toEqual({ runningRequests: 1, waitingTokens: 900 });
  });

  test("is not looked for again before LOOK_AGAIN_MS where it is nowhere", async () => {
    const { url, asked } = await telling({ "/health": "" });
    const { ask } = asker(url);
    expect(await ask(0)).toBeNull();
    const looked = asked.length;
    expect(await ask(LOOK_AGAIN_MS - 1)).toBeNull();
    expect(asked).toHaveLength(looked);
    await ask(LOOK_AGAIN_MS);
    expect(asked).toHaveLength(2 * looked);
  });

  test("is looked for anew after MISSES_MAX answers that told nothing", async () => {
    const at: Record<string, string> = { "/metrics": METRICS };
    const { url } = await telling(at);
    const { ask, eye } = asker(url);
    await ask();
    delete at["/metrics"];
    at["/slots"] = JSON.stringify([{ id: 0, is_processing: true }]);
    for (let miss = 0; miss < MISSES_MAX; miss++) expect(await ask()).toBeNull();
    expect(await ask()).toEqual({ runningRequests: 1 });
    expect(eye.path).toBe("/slots");
  });

  test("is asked alone where the config names it", async () => {
    const { url, asked } = await telling({ "/metrics": METRICS });
    expect(await asker(url, createEye("/metrics")).ask()).toEqual({ runningRequests: 3 });
    expect(asked.map((one) => one.url)).toEqual(["/metrics"]);
  });
});

test("a simulated vLLM tells", async () => {
  const { url } = await start({ startState: "warm" });
  expect(await asker(url).ask()).toMatchObject({ runningRequests: 0, waitingRequests: 0 });
});

test("an engine that cannot be reached, redirects, or writes without end tells nothing and harms nobody", async () => {
  expect(await asker(await refusedUrl()).ask()).toBeNull();
  const elsewhere = await telling({ "/metrics": METRICS });
  const leading = await startOddServer((_, response) =>
    response.writeHead(307, { location: `${elsewhere.url}/metrics` }).end(),
  );
  expect(await asker(leading.url).ask()).toBeNull();
  expect(elsewhere.asked).toEqual([]);
  const endless = await telling({ "/metrics": `${"# x\n".repeat(METRICS_BYTES_MAX / 4)}${METRICS}` });
  expect(await asker(endless.url).ask(), "what is beyond METRICS_BYTES_MAX is not read").toBeNull();
});
