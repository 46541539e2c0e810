/** What an operator is told when `npm run serve` starts, and what reaches the Worker of the environment. */
import { createServer } from "node:http";
import type { IncomingHttpHeaders, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { afterEach, describe, expect, test } from "vitest";
import { startModelServer } from "../support/model-server.ts";
import { endServed, failServe, startServe } from "../support/serve.ts";
import type { Served } from "../support/serve.ts";

const servers: { close(): unknown }[] = [];
afterEach(async () => {
  await endServed();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

type Heard = { readonly headers: IncomingHttpHeaders; readonly body: string };

/** A service that answers everything alike, and keeps what it was sent; what it is only asked, as its health, it does not. */
async function service(answer: object | null, status = 200): Promise<{ url: string; heard: Heard[] }> {
  const heard: Heard[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method === "POST") heard.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      // Null: it never answers.
      if (answer !== null)
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  servers.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard };
}

async function modelServer() {
  const model = await startModelServer();
  servers.push(model);
  return model;
}

const endpoint = (id: string, url: string, more: object = {}) => ({
  id,
  region: "here",
  backend: "openai",
  url,
  ...more,
});

async function chat({ url, key }: Served, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: "main", messages: [{ role: "user", content: "Where is the warm path?" }] }),
  });
}

describe("the endpoints", () => {
  test("are looked at and told, each with what to do; none of them holds up the start", async () => {
    const [model, refusing, hanging] = await Promise.all([modelServer(), service({}, 401), service(null)]);
    const served = await startServe({
      pools: {
        main: {
          endpoints: [
            endpoint("well", model.url),
            endpoint("locked", refusing.url, { auth: { secret: "LOCKED_KEY" } }),
            endpoint("hanging", hanging.url),
            endpoint("gone", "http://127.0.0.1:9"),
          ],
        },
      },
      env: { LOCKED_KEY: "wrong" },
    });
    await served.says(/^ {2}gone .*$/m);
    const line = (id: string): string => new RegExp(`^ {2}${id} .*$`, "m").exec(served.output())?.[0] ?? "";
    expect(line("well")).toMatch(new RegExp(`127.0.0.1:${model.port} +here +ready +\\d+$`));
    expect(line("locked")).toMatch(/ 401 .*LOCKED_KEY/);
    expect(line("hanging")).toMatch(/ timeout /);
    expect(line("gone")).toMatch(/ refused /);
  });

  test("a key that only the models' list asks for is told too", async () => {
    const open = await service({});
    const server = createServer((request, response) => response.writeHead(request.url === "/health" ? 200 : 401).end());
    await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
    servers.push({ close: () => server.close() });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const served = await startServe({
      pools: { main: { endpoints: [endpoint("locked", url), endpoint("open", open.url)] } },
    });
    await served.says(/^ {2}open .*$/m);
    expect(/^ {2}locked .*$/m.exec(served.output())?.[0]).toMatch(/ 401 .*"auth"/);
  });
});

describe("secrets", () => {
  const signing = `whsec_${Buffer.from("a secret of twenty-four bytes").toString("base64")}`;

  test("of every place that names one arrive: endpoints, rails that ask and rails that sign", async () => {
    const model = await service({
      choices: [{ index: 0, message: { role: "assistant", content: "here" }, finish_reason: "stop" }],
    });
    const [moderation, hook] = await Promise.all([
      service({ results: [{ flagged: false, categories: {}, category_scores: {} }] }),
      service({ verdict: "allow" }),
    ]);
    const served = await startServe({
      pools: {
        main: {
          endpoints: [endpoint("a", model.url, { auth: { secret: "GPU_KEY" } })],
          rails: {
            input: [
              { use: "moderation", options: { url: moderation.url, secret: "MODERATION_KEY" } },
              { use: "webhook", options: { url: hook.url, secret: "HOOK_SECRET" } },
            ],
          },
        },
      },
      env: { GPU_KEY: "of-the-gpu", MODERATION_KEY: "of-the-moderation", HOOK_SECRET: signing },
    });
    expect((await chat(served)).status).toBe(200);
    expect(model.heard.at(-1)?.headers.authorization).toBe("Bearer of-the-gpu");
    expect(moderation.heard[0]?.headers.authorization).toBe("Bearer of-the-moderation");
    const [asked] = hook.heard;
    expect(() =>
      new Webhook(signing).verify(asked?.body ?? "", asked?.headers as Record<string, string>),
    ).not.toThrow();
  });

  test("of webhooks arrive: the end of a job is signed", async () => {
    const model = await service({ choices: [] });
    const receiver = await service({});
    const served = await startServe({
      pools: { main: { endpoints: [endpoint("a", model.url)] } },
      args: ["--dev"],
      env: { WARMPATH_WEBHOOK_SECRET: signing },
    });
    const accepted = await chat(served, { prefer: "respond-async", "x-warmpath-webhook": receiver.url });
    expect(accepted.status).toBe(202);
    while (receiver.heard.length === 0) await new Promise((settle) => setTimeout(settle, 20));
    const told = receiver.heard.at(-1);
    expect(() => new Webhook(signing).verify(told?.body ?? "", told?.headers as Record<string, string>)).not.toThrow();
  });

  test("that are missing are told all at once, with what to type; nothing is started", async () => {
    const url = "http://127.0.0.1:9";
    const said = await failServe({
      pools: {
        main: {
          endpoints: [endpoint("a", url, { auth: { secret: "GPU_KEY" } })],
          rails: { input: [{ use: "moderation", options: { url, secret: "MODERATION_KEY" } }] },
        },
      },
    });
    expect(said).toContain("export GPU_KEY=…   # for endpoint a");
    expect(said).toContain("export MODERATION_KEY=…   # for the rail moderation of pool main");
    expect(said).not.toContain("wrangler");
    expect(said).not.toContain("listens");
  });
});

describe("the place of the router", () => {
  const explain = async ({ url, key }: Served): Promise<string> => {
    const answer = await fetch(`${url}/admin/explain`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ pool: "main" }),
    });
    return answer.text();
  };
  const pools = {
    main: {
      endpoints: [
        endpoint("near", "http://127.0.0.1:9"),
        { ...endpoint("far", "http://127.0.0.1:9"), region: "there" },
      ],
    },
  };

  test.each([
    ["a position", "50.1,8.7"],
    ["a region of the config", "here"],
  ])("is the clients', given as %s: what is near is expected to be near", async (_, place) => {
    const served = await startServe({ pools, args: ["--place", place] });
    const { candidates } = JSON.parse(await explain(served)) as {
      candidates: { endpointId?: string; id?: string; terms?: { net: number } }[];
    };
    const net = (id: string): number =>
      candidates.find((one) => (one.endpointId ?? one.id) === id)?.terms?.net ?? Number.NaN;
    expect(net("near")).toBeLessThan(net("far"));
  });

  test("that is none is refused with what it may be", async () => {
    expect(await failServe({ pools, args: ["--place", "moon"] })).toContain("--place must be lat,lon");
  });
});
