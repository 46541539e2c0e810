/** The job surfaces over a queue in memory: a request in, an answer out, as the router would ask them. */
import { randomBytes } from "node:crypto";
import { parseConfig } from "../../../src/config/config-parse.ts";
import type { Config } from "../../../src/config/config.ts";
import type { ErrorForm } from "../../../src/wire/error-forms.ts";
import type { Answer, Refusal } from "../../../src/wire/refusal.ts";
import { createTokenBytes } from "../../../src/wire/token-bytes.ts";
import { fakeQueue } from "../../support/fake-job-queue.ts";
import type { FakeQueue } from "../../support/fake-job-queue.ts";

// By names that the type checker does not follow: these modules' types are those of the Workers runtime, not of Node.
const load = async (path: string): Promise<unknown> => import(/* @vite-ignore */ new URL(path, import.meta.url).href);

type Handler = (edge: unknown) => Promise<Answer> | Answer;
type Admit = (edge: object, scope: string, handler: Handler) => Promise<Answer>;

const { routeJobs } = (await load("../../../src/gateway/jobs-api/routes.ts")) as {
  routeJobs: (edge: object, admit: Admit) => Promise<Answer>;
};
const { asJob } = (await load("../../../src/gateway/jobs-api/respond-async.ts")) as {
  asJob: (edge: object, serveNow: Handler) => Promise<Answer>;
};

const { errorFormOf } = (await load("../../../src/gateway/error-form.ts")) as {
  errorFormOf: (path: string, config: Config) => ErrorForm;
};
const { refuse } = (await load("../../../src/wire/refuse.ts")) as {
  refuse: (requestId: string, config: Config, refusal: Refusal, form: ErrorForm) => Response;
};

export type Call = {
  readonly method?: string;
  readonly tenant?: string;
  readonly scopes?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, or as it is when it is text or bytes. */
  readonly body?: unknown;
};

export type Surface = {
  readonly queue: FakeQueue;
  /** Through the job routes. */
  call(path: string, call?: Call): Promise<{ readonly status: number; readonly headers: Headers; readonly json: Json }>;
  /** A request that may become a job; `serveNow` answers it otherwise. */
  ask(path: string, call: Call, serveNow: Handler): Promise<Response>;
};

export type Json = Readonly<Record<string, unknown>>;

const config = {
  regions: { us: { lat: 39, lon: -77.5, hint: "enam" } },
  keys: [
    { id: "a", tenant: "tests", hmac: "0".repeat(64) },
    { id: "b", tenant: "others", hmac: "0".repeat(64) },
  ],
  routes: [{ path: "/score", pool: "main", upstreamPath: "/v1/score" }],
  pools: {
    main: {
      models: ["llama"],
      endpoints: [{ id: "a", region: "us", backend: "openai", url: "https://a.example.com" }],
      rails: { input: ["size", { use: "secrets", action: "redact" }] },
    },
    images: {
      endpoints: [{ id: "b", region: "us", backend: "openai", url: "https://b.example.com" }],
      jobs: { path: "/predictions" },
    },
    tools: {
      endpoints: [{ id: "d", region: "us", backend: "openai", url: "https://d.example.com" }],
      paths: ["/tools/*"],
    },
    strict: {
      endpoints: [{ id: "c", region: "us", backend: "openai", url: "https://c.example.com" }],
      rails: { input: [{ use: "secrets", action: "block" }] },
    },
  },
};

export function surface(): Surface {
  const parsed = parseConfig(JSON.stringify(config));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  const queue = fakeQueue();
  const surroundings = surroundingsOf(parsed.value, queue);
  const edgeOf = (path: string, { method = "POST", headers = {}, body }: Call) => {
    const isRaw = body === undefined || typeof body === "string" || body instanceof Uint8Array;
    const text = isRaw ? (body as string | Uint8Array<ArrayBuffer> | undefined) : JSON.stringify(body);
    const request = new Request(`http://router${path}`, {
      method,
      headers,
      ...(text === undefined || method === "GET" ? {} : { body: text }),
    });
    const at = path.indexOf("?");
    return {
      request,
      path: at === -1 ? path : path.slice(0, at),
      query: at === -1 ? "" : path.slice(at),
      requestId: "req_1",
      startedAtMs: 0,
      dev: false,
      ...surroundings,
    };
  };
  /** As the door does it. */
  const dressed = (path: string, answer: Answer): Response =>
    answer instanceof Response ? answer : refuse("req_1", parsed.value, answer, errorFormOf(path, parsed.value));
  return {
    queue,
    async call(path, call = {}) {
      const { tenant = "tests", scopes = ["infer", "admin", "worker"] } = call;
      const admit: Admit = async (edge, scope, handler) =>
        scopes.includes(scope)
          ? handler({ ...edge, identity: { keyId: "a", tenant, scopes } })
          : new Response("{}", { status: 403 });
      const edge = edgeOf(path, call);
      const answer = dressed(edge.path, await routeJobs(edge, admit));
      const text = await answer.text();
      return { status: answer.status, headers: answer.headers, json: (text === "" ? {} : JSON.parse(text)) as Json };
    },
    async ask(path, call, serveNow) {
      const { tenant = "tests", scopes = ["infer"] } = call;
      const edge = edgeOf(path, call);
      return dressed(edge.path, await asJob({ ...edge, identity: { keyId: "a", tenant, scopes } }, serveNow));
    },
  };
}

const pepper = randomBytes(24).toString("base64");

function surroundingsOf(parsed: Config, queue: FakeQueue): object {
  const pools = new Map(
    [...parsed.pools].map(([id, pool]) => [
      id,
      { config: pool, spec: {}, endpoints: new Map(), tokenBytes: createTokenBytes() },
    ]),
  );
  return {
    runtime: { config: parsed, pools },
    env: { JOB_QUEUE: { getByName: () => queue.rpc }, WARMPATH_KEY_PEPPER: pepper },
    ctx: { waitUntil: () => undefined },
  };
}
