/**
 * Runpod's management API for serverless endpoints, as its OpenAPI document (v2, August 2026) describes it: bodies are held
 * against the documented shapes, unknown members refused, a PATCH changes what it names, faults are RFC 9457's.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import * as z from "zod";

const scaling = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("QUEUE_DELAY"), queueDelay: z.number().min(0.5) }),
  z.strictObject({ type: z.literal("REQUEST_COUNT"), requestCount: z.int().min(1) }),
]);
const workers = z.strictObject({
  min: z.int().min(0).optional(),
  max: z.int().min(0).optional(),
  idleTimeout: z.int().min(1).max(3_600).optional(),
});
const gpu = z.strictObject({
  pools: z.array(z.string()).min(1).optional(),
  excludedTypes: z.array(z.string()).optional(),
  count: z.int().min(1).optional(),
  allowedCudaVersions: z.array(z.string().regex(/^\d+\.\d+$/)).optional(),
  minCudaVersion: z
    .string()
    .regex(/^$|^\d+\.\d+$/)
    .optional(),
});
const container = {
  args: z.string().optional(),
  disk: z.int().min(1).optional(),
  env: z.record(z.string(), z.string()).optional(),
  image: z.string().optional(),
  ports: z.array(z.string()).optional(),
  registry: z.string().nullable().optional(),
  templateId: z.string().optional(),
};
const update = z.strictObject({
  ...container,
  name: z.string().min(1).optional(),
  gpu: gpu.optional(),
  workers: workers.optional(),
  scaling: scaling.optional(),
  dataCenterIds: z.array(z.string()).optional(),
  networkVolumes: z.array(z.string()).optional(),
  timeout: z.int().optional(),
  flashboot: z.enum(["OFF", "FLASHBOOT", "PRIORITY_FLASHBOOT"]).optional(),
});
const create = update.extend({
  name: z.string().min(1),
  type: z.enum(["QUEUE", "LOAD_BALANCER"]),
  scaling,
  gpu: gpu.required({ pools: true }).optional(),
});

type FakeEndpoint = {
  readonly id: string;
  readonly type: "QUEUE" | "LOAD_BALANCER";
  /** Counts what the provider calls a release: GPU workers are replaced. */
  readonly releases: number;
} & Readonly<Record<string, unknown>>;

export type RunpodFake = {
  /** Without a slash at the end. */
  readonly url: string;
  readonly endpoints: FakeEndpoint[];
  /** "POST /v2/serverless", in order. */
  readonly calls: string[];
  /** Of the next call that changes something: its answer, or that its answer is lost after it was done. */
  failNext: { readonly status: number; readonly headers?: Readonly<Record<string, string>> } | "answer_lost" | null;
  close(): Promise<void>;
};

export const RUNPOD_FAKE_KEY = "rpa_key-of-the-fake";

class Problem extends Error {
  readonly status: number;
  readonly errors: readonly string[];
  constructor(status: number, detail: string, errors: readonly string[] = []) {
    super(detail);
    this.status = status;
    this.errors = errors;
  }
}

export async function startRunpodFake(): Promise<RunpodFake> {
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const fake: RunpodFake = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`,
    endpoints: [],
    calls: [],
    failNext: null,
    async close() {
      server.closeAllConnections();
      await new Promise((settle) => server.close(settle));
    },
  };
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const piece of request.setEncoding("utf8")) text += piece as string;
    fake.calls.push(`${request.method} ${request.url}`);
    try {
      if (request.headers.authorization !== `Bearer ${RUNPOD_FAKE_KEY}`) throw new Problem(401, "missing bearer token");
      const planned = request.method === "GET" ? null : fake.failNext;
      if (request.method !== "GET") fake.failNext = null;
      if (planned !== null && planned !== "answer_lost") {
        for (const [name, value] of Object.entries(planned.headers ?? {})) response.setHeader(name, value);
        throw new Problem(planned.status, "the provider says no");
      }
      const [status, body] = handle(request.method ?? "", request.url ?? "", text);
      if (planned === "answer_lost") return void request.socket.destroy();
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const { status, message: detail, errors } = error;
      response.writeHead(status, { "content-type": "application/problem+json" });
      response.end(JSON.stringify({ title: "Problem", status, detail, ...(errors.length > 0 && { errors }) }));
    }
  }
  function handle(method: string, url: string, text: string): readonly [number, unknown] {
    const [, , path, id] = url.split("/");
    if (path !== "serverless") throw new Problem(404, "resource not found");
    if (id === undefined && method === "GET") return [200, { endpoints: fake.endpoints }];
    if (id === undefined && method === "POST") return [201, made(fake, JSON.parse(text))];
    const at = fake.endpoints.findIndex((one) => one.id === id);
    const before = fake.endpoints[at];
    if (before === undefined) throw new Problem(404, "resource not found");
    if (method === "GET") return [200, before];
    if (method !== "PATCH") throw new Problem(405, "method not allowed");
    const after = patched(before, JSON.parse(text));
    fake.endpoints[at] = after;
    return [200, after];
  }
  return fake;
}

function shaped<Value>(schema: z.ZodType<Value>, body: unknown): Value {
  const read = schema.safeParse(body);
  if (read.success) return read.data;
  throw new Problem(
    422,
    "Request validation failed.",
    read.error.issues.map(({ path, message }) => `$.${path.join(".")}: ${message}`),
  );
}

function made(fake: RunpodFake, body: unknown): FakeEndpoint {
  const asked = shaped(create, body);
  if (asked.gpu === undefined) throw new Problem(400, "exactly one of gpu or cpu is required");
  if (asked.image === undefined && asked.templateId === undefined)
    throw new Problem(422, "image is required without templateId");
  const { templateId: _template, workers: sized = {}, ...rest } = asked;
  const endpoint = {
    dataCenterIds: [],
    networkVolumes: [],
    timeout: 300_000,
    flashboot: "OFF",
    createdAt: "2026-08-20T00:00:00Z",
    ...rest,
    gpu: { allowedCudaVersions: [], minCudaVersion: null, count: 1, ...asked.gpu },
    workers: { min: 0, max: 3, idleTimeout: 10, ...sized },
    id: `ep${fake.endpoints.length + 1}x`,
    releases: 1,
  };
  checkScaling(endpoint);
  fake.endpoints.push(endpoint);
  return endpoint;
}

const RELEASING = [
  "image",
  "env",
  "disk",
  "gpu",
  "dataCenterIds",
  "networkVolumes",
  "flashboot",
  "args",
  "ports",
] as const;

function patched(before: FakeEndpoint, body: unknown): FakeEndpoint {
  const asked = shaped(update, body);
  if (asked.gpu?.excludedTypes !== undefined && asked.gpu.pools === undefined)
    throw new Problem(422, "excludedTypes requires pools");
  const after = {
    ...before,
    ...asked,
    gpu: { ...(before["gpu"] as object), ...asked.gpu },
    workers: { ...(before["workers"] as object), ...asked.workers },
    releases: before.releases + (RELEASING.some((member) => asked[member] !== undefined) ? 1 : 0),
  };
  checkScaling(after);
  return after;
}

function checkScaling(endpoint: Readonly<Record<string, unknown>>): void {
  const { type } = endpoint["scaling"] as { readonly type: string };
  if (endpoint["type"] === "LOAD_BALANCER" && type !== "REQUEST_COUNT")
    throw new Problem(422, "load-balancing endpoints scale by REQUEST_COUNT");
}
