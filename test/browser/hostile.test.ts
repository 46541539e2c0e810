/**
 * Text that others wrote is text on the page, wherever it comes from: names of models and tenants, what an endpoint
 * answers and says in its errors, ids and tags of jobs. Each would run or leave a mark if it were markup.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Tab } from "./browser.ts";
import { confirm, type Dashboard, enter, lineOf, startDashboard } from "./dashboard.ts";
import { sampleEndpoint, sampleFrame, sampleRecord } from "../dashboard/sample-frames.ts";

const chromium = inject("chromium");

const MARKUPS = [
  "<img src=x onerror=window.ran=1>",
  "<script>window.ran=1</script>",
  '"><svg onload=window.ran=1>',
  "javascript:window.ran=1",
  "<a href=javascript:window.ran=1>x</a>",
  "{{constructor.constructor('window.ran=1')()}}",
  "</title></style></textarea><iframe srcdoc='<script>parent.ran=1</script>'>",
] as const;
const MARKUP = MARKUPS.join(" ");
const MODEL = `evil ${MARKUPS[0]}`;

describe.skipIf(chromium === null)("text that others wrote", () => {
  let dashboard: Dashboard;
  let server: Server;
  let tab: Tab;
  let isAnswering = true;

  beforeAll(async () => {
    // A model server that says what it likes.
    server = createServer((request, response) => {
      request.resume().once("end", () => {
        if (request.method === "GET")
          return void response.end(JSON.stringify({ object: "list", data: [{ id: MODEL }] }));
        const message = { role: "assistant", content: MARKUP };
        const answer = {
          id: "c",
          object: "chat.completion",
          created: 1,
          model: MODEL,
          choices: [{ index: 0, message, finish_reason: "stop" }],
        };
        response.writeHead(isAnswering ? 200 : request.url === "/work" ? 400 : 500, {
          "content-type": "application/json",
        });
        response.end(JSON.stringify(isAnswering ? answer : { error: { message: MARKUP, type: MARKUP, code: MARKUP } }));
      });
    });
    await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    dashboard = await startDashboard(chromium, {
      endpoints: [{ id: "gpu-us", region: "us-east" }],
      morePools: {
        evil: {
          models: [MODEL],
          endpoints: [{ id: "evil-1", region: "us-east", backend: "openai", url }],
          jobs: { path: "/work" },
        },
      },
    });
    tab = await dashboard.open();
  });
  afterAll(async () => {
    await dashboard.close();
    server.closeAllConnections();
    server.close();
  });

  const ask = async (): Promise<Response> =>
    dashboard.fleet.call("/v1/chat/completions", {
      method: "POST",
      headers: { "content-type": "application/json" },
      // Not its own text: what an endpoint quotes of a request is cut out of its words.
      body: JSON.stringify({ model: MODEL, messages: [{ role: "user", content: "hello" }] }),
    });

  /** Nothing ran, nothing became an element, nothing was refused by the policy because nothing was tried. */
  const isClean = async (): Promise<void> => {
    const { page } = tab;
    expect(await page.evaluate("window.ran ?? null")).toBeNull();
    expect(
      await page.locator("iframe, img, script:not([src]), svg[onload], [onerror], a[href^='javascript']").count(),
    ).toBe(0);
    expect(tab.problems()).toEqual([]);
  };

  test("an endpoint's answer is text", async () => {
    const panel = tab.page.getByRole("region", { name: "Try it" });
    await panel.getByLabel("Model").selectOption(MODEL);
    await panel.getByLabel("Stream the answer").uncheck();
    await panel.getByRole("button", { name: "Send" }).click();
    await panel.getByText("Answered.").waitFor();
    expect(await panel.getByRole("region", { name: "Text of the answer" }).textContent()).toBe(MARKUP);
    await isClean();
  });

  test("what an endpoint says in its errors is text, in its line and in the decision", async () => {
    isAnswering = false;
    await (await ask()).text();
    await expect.poll(async () => lineOf(tab, "evil-1").textContent()).toContain("onload");
    const row = tab.page
      .getByRole("row")
      .filter({ hasText: /upstream failed/ })
      .first();
    await row.getByRole("button").click();
    await expect.poll(async () => tab.page.getByRole("group", { name: "Attempts" }).textContent()).toContain("onload");
    await tab.shot("hostile-error");
    await isClean();
    isAnswering = true;
  });

  test("a job's tags and its error are text", async () => {
    isAnswering = false;
    await dashboard.fleet.call("/v2/evil/run", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-warmpath-no-retry": "1",
        "x-warmpath-tags": "a=<img src=x onerror=window.ran=1>",
      },
      body: JSON.stringify({ input: { prompt: MARKUP } }),
    });
    const { page } = tab;
    await page.getByRole("button", { name: /dead letters of evil/ }).click();
    const dead = page.getByRole("region", { name: "Dead letters of evil" });
    await expect.poll(async () => dead.textContent()).toContain("onerror");
    await dead.getByRole("row").nth(1).getByRole("button").first().click();
    await expect.poll(async () => page.getByRole("dialog").textContent()).toContain("<img src=x");
    await isClean();
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  });

  test("the browser itself makes markup and code of no text, and runs no script that stands in the page", async () => {
    const own = await dashboard.visit();
    const refused = await own.page.evaluate(`(() => {
      const tried = [
        () => { document.body.innerHTML = "<img src=x onerror=window.ran=1>"; },
        () => { document.createElement("script").text = "window.ran=1"; },
        () => { document.body.setAttribute("onclick", "window.ran=1"); },
        () => { window.setTimeout("window.ran=1"); },
        () => { window.trustedTypes.createPolicy("own", {}); },
      ];
      return tried.map((run) => { try { run(); return "done"; } catch (error) { return error.name; } });
    })()`);
    expect(refused).toEqual(Array.from({ length: 5 }, () => "TypeError"));
    // As if a text had got into the page on its way, under the page's own headers.
    await own.page.route(dashboard.url, async (route) => {
      const response = await route.fetch();
      const body = (await response.text()).replace("</head>", "<script>window.ran=1</script></head>");
      await route.fulfill({ response, body });
    });
    await own.page.reload();
    await own.page.getByLabel("Admin key").waitFor();
    expect(await own.page.locator("script:not([src])").count()).toBe(1);
    expect(await own.page.evaluate("window.ran ?? null")).toBeNull();
    await own.close();
  });

  test("a frame in which every text is markup is drawn as text", async () => {
    const own = await dashboard.visit();
    const { promise: opened, resolve: open } = Promise.withResolvers<(text: string) => void>();
    await own.page.routeWebSocket(/\/dashboard\/api\/live/, (socket) => open((text) => socket.send(text)));
    await enter(own, dashboard.fleet.key);
    const send = await opened;
    const evil = (value: unknown): unknown => {
      if (typeof value === "string") return `${value} ${MARKUP}`;
      if (Array.isArray(value)) return value.map(evil);
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, evil(one)]));
    };
    const frame = sampleFrame({}, [sampleEndpoint()]);
    const decisions = [evil(sampleRecord({ candidates: [], attempts: [], why: MARKUP }))];
    const jobs = [evil({ pool: "p", byState: { queued: 1, failed: 2 }, oldestQueuedMs: 1, dead: 2, mode: "open" })];
    const events = [evil({ atMs: Date.now(), kind: "alert", text: "x" })];
    send(JSON.stringify({ ...frame, fleet: evil(frame.fleet), decisions, jobs, events }));
    await expect
      .poll(async () => own.page.getByRole("region", { name: "Alerts and events" }).textContent())
      .toContain("onerror");
    await own.page
      .getByRole("table", { name: /^Requests/ })
      .getByRole("button")
      .first()
      .click();
    await own.page
      .getByRole("button", { name: /^Drain / })
      .first()
      .click();
    await confirm(own, "Cancel");
    expect(await own.page.evaluate("window.ran ?? null")).toBeNull();
    expect(await own.page.locator("iframe, img, script:not([src]), [onerror], [onload]").count()).toBe(0);
    expect(own.problems()).toEqual([]);
    await own.close();
  });
});
