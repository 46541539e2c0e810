/** The list of models, as the published packages of OpenAI and Anthropic read it, unmodified. */
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import Anthropic from "@anthropic-ai/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { openaiOf } from "../support/openai.ts";

const MANY = 30;

/** Lists as llama.cpp does, counts how often, and hangs when it is told to. */
type Lister = { server: Server; url: string; lists: number; hangs: boolean };

async function startLister(): Promise<Lister> {
  const lister = { lists: 0, hangs: false };
  const server = createServer((request, response) => {
    if (request.url !== "/v1/models") return void response.end("ok");
    lister.lists += 1;
    if (lister.hangs) return;
    const data = [
      { id: "a.gguf", object: "model", created: 1_700_000_000, meta: { n_ctx: 4_096, n_ctx_train: 131_072 } },
    ];
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ object: "list", data }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(lister, { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

let fleet: Fleet;
let lister: Lister;
let hanging: Lister;
beforeAll(async () => {
  [lister, hanging] = await Promise.all([startLister(), startLister()]);
  hanging.hangs = true;
  const openai = { region: "us-east", backend: "openai" };
  fleet = await startFleet({
    keys: [{ id: "narrow" }],
    endpoints: [
      {
        id: "us",
        region: "us-east",
        config: { model: "org/seven" },
        simulator: { servedModelNames: ["org/seven"], maxModelLen: 8_192 },
      },
      {
        id: "eu",
        region: "eu-west",
        config: { model: "seven:q4" },
        simulator: { servedModelNames: ["seven:q4"], maxModelLen: 4_096 },
      },
    ],
    pool: { models: ["chat", "org/chat-v2"] },
    morePools: {
      llama: { models: ["llama"], endpoints: [{ ...openai, id: "lists", url: lister.url }] },
      slow: { models: ["slow"], endpoints: [{ ...openai, id: "slow-1", url: hanging.url }] },
      gone: { models: ["gone"], endpoints: [{ ...openai, id: "gone-1", url: "http://127.0.0.1:9" }] },
      asleep: {
        models: ["asleep"],
        endpoints: [{ ...openai, id: "asleep-1", url: "http://127.0.0.1:9", workers: { min: 0, max: 1 } }],
      },
      pulled: { models: ["pulled"], endpoints: [], jobs: { pull: true } },
      many: {
        models: Array.from({ length: MANY }, (_, index) => `many-${index}`),
        endpoints: [{ ...openai, id: "many-1", url: lister.url }],
      },
    },
  });
});
afterAll(async () => {
  await fleet.close();
  for (const { server } of [lister, hanging]) {
    server.closeAllConnections();
    server.close();
  }
});

type Told = {
  readonly id: string;
  readonly created: number;
  readonly max_model_len?: number;
  readonly context_length?: number;
  readonly warmpath: { readonly pool: string; readonly state: string };
};

/** By name, once `done` says so: shards learn of their endpoints by their first probes. */
async function told(done: (models: ReadonlyMap<string, Told>) => boolean = () => true) {
  return fleet.until(async () => {
    const { data } = await openaiOf(fleet).models.list();
    return new Map(data.map((model) => [model.id, model as unknown as Told]));
  }, done);
}

describe("OpenAI's client", () => {
  test("lists what there is, in the order of the config, each name of a pool by itself", async () => {
    const ids: string[] = [];
    for await (const { id } of openaiOf(fleet).models.list()) ids.push(id);
    expect(ids.slice(0, 7)).toEqual(["chat", "org/chat-v2", "llama", "slow", "gone", "asleep", "pulled"]);
    expect(ids).toHaveLength(7 + MANY);
  });

  test("reads the context that every endpoint takes, by the name that each has for the model", async () => {
    const models = await told((seen) => seen.get("chat")?.context_length === 4_096);
    for (const id of ["chat", "org/chat-v2"]) {
      expect(models.get(id)).toMatchObject({ max_model_len: 4_096, context_length: 4_096, created: 0 });
    }
  });

  test("reads what is known where an endpoint lists its one model under a name of its own", async () => {
    const models = await told((seen) => seen.get("llama")?.context_length !== undefined);
    expect(models.get("llama")).toMatchObject({ context_length: 4_096, created: 1_700_000_000 });
  });

  test("is told how a pool is that cannot serve now, and finds its models all the same", async () => {
    const first = await told((seen) => seen.get("chat")?.warmpath.state === "up");
    // Nobody has looked at it before it was listed, and then nothing was there.
    expect(first.get("gone")?.warmpath).toEqual({ pool: "gone", state: "unknown" });
    await fleet.until(
      async () => (await fleet.shards(true)).flatMap(({ status }) => status?.endpoints ?? []),
      (endpoints) => endpoints.some(({ id, standing }) => id === "gone-1" && standing === "down"),
    );
    const models = await told((seen) => seen.get("gone")?.warmpath.state === "down");
    expect(
      Object.fromEntries(["chat", "gone", "asleep", "pulled"].map((id) => [id, models.get(id)?.warmpath])),
    ).toEqual({
      chat: { pool: "main", state: "up" },
      gone: { pool: "gone", state: "down" },
      asleep: { pool: "asleep", state: expect.stringMatching(/^(?:cold|down)$/) },
      pulled: { pool: "pulled", state: "jobs_only" },
    });
    expect(models.get("gone")).not.toHaveProperty("context_length");
    expect(models.get("pulled")).not.toHaveProperty("context_length");
  });

  test("waits for nobody that does not answer, and an endpoint is asked once for many", async () => {
    await told((seen) => seen.get("slow")?.warmpath.state === "up" && seen.get("llama")?.context_length === 4_096);
    const { lists } = lister;
    for (let nth = 0; nth < 5; nth += 1) expect((await told()).get("slow")).not.toHaveProperty("context_length");
    expect(lister.lists).toBe(lists);
    expect(hanging.lists).toBe(1);
  });

  test("retrieves one by its name, a slash in it included", async () => {
    await told((seen) => seen.get("chat")?.context_length === 4_096);
    const model = await openaiOf(fleet).models.retrieve("org/chat-v2");
    expect(model).toMatchObject({ id: "org/chat-v2", object: "model", context_length: 4_096 });
    await expect(openaiOf(fleet).models.retrieve("chatt")).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
      message: expect.stringContaining('Did you mean "chat"?'),
    });
  });
});

describe("Anthropic's client", () => {
  const anthropic = () =>
    new Anthropic({ baseURL: fleet.router.url, apiKey: fleet.key, maxRetries: 0, logLevel: "off" });

  test.each([1, 7, 20, 1_000])("walks over all pages of %i", async (limit) => {
    const ids: string[] = [];
    for await (const model of anthropic().models.list({ limit })) ids.push(model.id);
    const { data } = await openaiOf(fleet).models.list();
    expect(ids).toEqual(data.map(({ id }) => id));
  });

  test("reads a page with its ends, and each model in its own form", async () => {
    await told((seen) => seen.get("llama")?.context_length === 4_096);
    const page = await anthropic().models.list({ limit: 3 });
    expect(page).toMatchObject({ has_more: true, first_id: "chat", last_id: "llama" });
    expect(page.data[2]).toMatchObject({
      type: "model",
      id: "llama",
      display_name: "llama",
      created_at: "2023-11-14T22:13:20Z",
      max_input_tokens: 4_096,
      warmpath: { pool: "llama" },
    });
    const back = await anthropic().models.list({ limit: 2, before_id: "llama" });
    expect(back.data.map(({ id }) => id)).toEqual(["chat", "org/chat-v2"]);
    expect((await anthropic().models.retrieve("org/chat-v2")).type).toBe("model");
  });

  test("reads errors in its own form", async () => {
    const failures = [
      anthropic().models.list({ limit: 1_001 }),
      anthropic().models.list({ after_id: "nobody" }),
      anthropic().models.retrieve("nobody"),
      new Anthropic({ baseURL: fleet.router.url, apiKey: "no", maxRetries: 0, logLevel: "off" }).models.list(),
    ];
    const said = await Promise.all(
      failures.map(async (failure) => {
        const error = await failure.then(
          () => null,
          (raised: unknown) => raised,
        );
        if (!(error instanceof Anthropic.APIError)) throw new Error("it was served");
        return [error.status, (error.error as { error: { type: string } }).error.type];
      }),
    );
    expect(said).toEqual([
      [400, "invalid_request_error"],
      [400, "invalid_request_error"],
      [404, "not_found_error"],
      [401, "authentication_error"],
    ]);
  });
});
