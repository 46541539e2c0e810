/**
 * The doors through which a client names a path: what passes is what the pool opens, at its endpoint, below its base
 * path; and nothing that a client writes decides where the operator's credential goes.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";
import { callTarget } from "../support/raw-target.ts";
import type { TargetAnswer, TargetCall } from "../support/raw-target.ts";
import { startRecorder } from "../support/recorder.ts";
import type { Recorded, Recorder } from "../support/recorder.ts";

const ENDPOINT_KEY = "the-endpoint's-own-credential";

let own: Recorder;
let evil: Recorder;
let fleet: Fleet;

beforeAll(async () => {
  [own, evil] = [await startRecorder(), await startRecorder()];
  const endpoint = (id: string) => ({
    id,
    region: "us-east",
    backend: "openai",
    url: `${own.url}/base`,
    auth: { secret: "ENDPOINT_KEY" },
    concurrencyPerWorker: 64,
    // What the endpoint is asked beside its health is a client's.
    engineLoad: "off",
  });
  fleet = await startFleet({
    endpoints: [],
    keys: [{ id: "user" }, { id: "operator", scopes: ["infer", "operate"] }],
    bindings: { ENDPOINT_KEY },
    pool: { endpoints: [endpoint("own")], paths: ["*"] },
    morePools: {
      p: { endpoints: [endpoint("p-own")] },
      railed: { paths: ["*"], endpoints: [endpoint("railed-own")], rails: { input: [], output: ["pii"] } },
    },
    config: { routes: [{ path: "/stop", pool: "p", upstreamPath: "/shutdown", openTo: "guests" }] },
  });
});
afterAll(async () => {
  own.close();
  evil.close();
  await fleet.close();
});
beforeEach(() => {
  expect(evil.connections(), "nobody has been sent elsewhere").toBe(0);
});

const isProbe = ({ url }: Recorded): boolean => url === "/base/health";

/** What the endpoint was asked while this ran. */
async function seenDuring(act: () => Promise<unknown>): Promise<readonly string[]> {
  const before = own.seen.length;
  await act();
  return own.seen
    .slice(before)
    .filter((one) => !isProbe(one))
    .map(({ method, url }) => `${method} ${url}`);
}

function ask(call: TargetCall, key = "user"): Promise<TargetAnswer> {
  const headers = { authorization: `Bearer ${fleet.keyOf(key)}`, ...call.headers };
  return callTarget(fleet.router.port, { ...call, headers });
}

/** Refused with this status and code, and the endpoint asked nothing. */
async function expectRefused(call: TargetCall, status: number, code: string, key = "user"): Promise<TargetAnswer> {
  let answer: TargetAnswer | null = null;
  const seen = await seenDuring(async () => {
    answer = await ask(call, key);
  });
  if (answer === null) throw new Error("there was no answer");
  const { status: got, body } = answer as TargetAnswer;
  expect([got, body]).toEqual([status, expect.stringContaining(`"code":"${code}"`)]);
  expect([seen, evil.connections()]).toEqual([[], 0]);
  return answer;
}

describe("a request target that another server would read otherwise", () => {
  test("a host behind an @, found by dot segments, is not where the credential goes", async () => {
    await expectRefused({ target: `/abc@${evil.host}/../p/p/x` }, 400, "invalid_request");
  });

  test.each([
    ["dot segments", "/p/p/v1/../../shutdown"],
    ["encoded dot segments", "/p/p/v1/%2e%2E/%2e./shutdown"],
    ["a dot segment at the end", "/p/p/v1/.."],
    ["backslashes", "/p/p/v1/..\\..\\shutdown"],
    ["encoded backslashes", "/p/p/v1/..%5c..%5cshutdown"],
    ["encoded slashes", "/p/p/v1/..%2f..%2fshutdown"],
    ["dots behind a semicolon", "/p/p/v1/..;/..;/shutdown"],
    ["two encodings", "/p/p/v1/%252e%252e/shutdown"],
    ["a line break", "/p/p/v1%0d%0ax-evil:%201/y"],
    ["a null", "/p/p/v1/models%00"],
    ["bytes that are not UTF-8", "/p/p/%c0%ae%c0%ae/shutdown"],
    ["a stray percent sign", "/p/p/100%"],
  ])("is refused with what to do: %s", async (_, target) => {
    const { body } = await expectRefused({ target }, 400, "invalid_request");
    expect(body).toContain("The request target must ");
  });

  test.each([
    ["an asterisk", { method: "OPTIONS", target: "*" }],
    ["a host that is none", { target: "/p/p/health", headers: { host: `a@${"b"}` } }],
    ["a host with a path", { target: "/p/p/health", headers: { host: "a?b" } }],
  ])("is refused: %s", async (_, call) => {
    await expectRefused(call, 400, "invalid_request");
  });

  test.each(["//EVIL/x", "/\\EVIL/x", "http://EVIL/p/p/shutdown", "http://user:pass@EVIL/x", "EVIL", "@EVIL/x"])(
    "leads nowhere: %s",
    async (target) => {
      const seen = await seenDuring(async () => {
        const { status } = await ask({ target: target.replace("EVIL", evil.host) });
        expect([400, 403, 404]).toContain(status);
      });
      expect([seen, evil.connections()]).toEqual([[], 0]);
    },
  );

  test("a name with an encoded slash is still a model's name", async () => {
    const [model] = ["org%2Fname", "org/name"];
    const { status, body } = await ask({ target: `/v1/models/${model}` });
    expect([status, body]).toEqual([404, expect.stringContaining('No pool serves the model \\"org/name\\"')]);
    const seen = await seenDuring(() => ask({ target: "/p/p/v1/models/org%2Fname" }));
    expect(seen).toEqual(["GET /base/v1/models/org/name"]);
  });
});

describe("the doors", () => {
  const escapes = [
    "/v1/../../shutdown",
    "/v1/%2e%2e/%2e%2e/shutdown",
    "/v1\\..\\..\\shutdown",
    "/v1%2f..%2f..%2fshutdown",
  ];

  test.each(escapes)("a job's input.route does not leave the base path: %s", async (route) => {
    const body = JSON.stringify({ input: { route, method: "POST", body: {} } });
    await expectRefused({ method: "POST", target: "/v2/p/run", body }, 400, "invalid_request", "operator");
  });

  test.each(escapes)("/v2/{pool}/openai does not leave the base path: %s", async (path) => {
    await expectRefused(
      { method: "POST", target: `/v2/p/openai${path}`, body: "{}" },
      400,
      "invalid_request",
      "operator",
    );
  });

  test.each(escapes)("respond-async on /p does not leave the base path: %s", async (path) => {
    const call = { method: "POST", target: `/p/p${path}`, headers: { prefer: "respond-async" }, body: "{}" };
    await expectRefused(call, 400, "invalid_request", "operator");
  });

  test.each([
    ["/p", (path: string): TargetCall => ({ method: "POST", target: `/p/p${path}`, body: "{}" })],
    [
      "/v2/{pool}/openai",
      (path: string): TargetCall => ({ method: "POST", target: `/v2/p/openai${path}`, body: "{}" }),
    ],
    [
      "respond-async on /p",
      (path: string): TargetCall => ({
        method: "POST",
        target: `/p/p${path}`,
        headers: { prefer: "respond-async" },
        body: "{}",
      }),
    ],
    [
      "a job's input.route",
      (route: string): TargetCall => ({
        method: "POST",
        target: "/v2/p/run",
        body: JSON.stringify({ input: { route, body: {} } }),
      }),
    ],
  ])("%s opens what inference needs, and no more", async (_, call) => {
    for (const path of ["/shutdown", "/update_weights_from_disk", "/abort_request", "/anything"]) {
      await expectRefused(call(path), 403, "path_not_open", "operator");
    }
    const before = own.seen.length;
    expect([200, 202]).toContain((await ask(call("/tokenize"))).status);
    await fleet.until(
      async () => own.seen.slice(before).map(({ method, url }) => `${method} ${url}`),
      (seen) => seen.includes("POST /base/tokenize"),
    );
  });
});

describe("methods", () => {
  test.each(["TRACE", "PROPFIND", "PURGE", "LOCK", "COPY"])(
    "%s is refused, and what passes is told",
    async (method) => {
      const { head } = await expectRefused({ method, target: "/p/main/x" }, 405, "method_not_allowed");
      expect(head).toMatch(/\r\nallow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS(?:\r\n|$)/i);
    },
  );

  test("CONNECT goes nowhere", async () => {
    const seen = await seenDuring(() => ask({ method: "CONNECT", target: evil.host }));
    expect([seen, evil.connections()]).toEqual([[], 0]);
  });

  test("an open path has its methods", async () => {
    const { head } = await expectRefused({ method: "DELETE", target: "/p/p/v1/models/x" }, 405, "method_not_allowed");
    expect(head).toMatch(/\r\nallow: GET, HEAD(?:\r\n|$)/i);
  });
});

describe("what operates an engine", () => {
  test.each(["/shutdown", "/update_weights_from_disk", "/abort_request", "/Flush_Cache/", "/api/delete", "/metrics"])(
    "%s needs the scope `operate`, also in a pool that opens everything",
    async (path) => {
      await expectRefused({ method: "POST", target: `/p/main${path}` }, 403, "forbidden");
      const seen = await seenDuring(() => ask({ method: "POST", target: `/p/main${path}` }, "operator"));
      expect(seen).toEqual([`POST /base${path}`]);
    },
  );

  test("is not reached without a key by a route that is open to guests", async () => {
    const seen = await seenDuring(async () => {
      const { status } = await callTarget(fleet.router.port, { method: "POST", target: "/stop" });
      expect(status).toBe(403);
    });
    expect(seen).toEqual([]);
  });
});

describe("a member that is between engines", () => {
  const doors: readonly [
    door: string,
    target: string,
    headers: Record<string, string>,
    wrap: (body: object) => object,
  ][] = [
    ["of chat", "/v1/chat/completions", {}, (body) => body],
    ["of a path of the pool's", "/p/main/v1/completions", {}, (body) => ({ ...body, prompt: "hi" })],
    ["of a path that nobody reads", "/p/main/generate", {}, (body) => body],
    ["of Runpod's door", "/v2/main/openai/v1/chat/completions", {}, (body) => body],
    ["of a request that becomes a job", "/v1/chat/completions", { prefer: "respond-async" }, (body) => body],
    [
      "of a job that names a path",
      "/v2/main/run",
      {},
      (body) => ({ input: { openai_route: "/v1/chat/completions", openai_input: body } }),
    ],
    ["of a job", "/v2/main/run", {}, (body) => ({ input: body })],
  ];
  const MEMBERS = [
    "kv_transfer_params",
    "disaggregated_params",
    "bootstrap_host",
    "bootstrap_port",
    "bootstrap_room",
  ] as const;
  /** Of which one passes. */
  const CLIENTS = {
    cookie: "session=client's own",
    "x-api-key": "client's own",
    "proxy-authorization": "client's own",
    "x-warmpath-anything": "client's own",
    "x-forwarded-for": "client's own",
    "x-tenant-hint": "kept, because nobody here reads it",
  };

  test.each(doors)(
    "%s needs the scope `operate`, and what passes has no header that is the client's own",
    async (_, target, more, wrap) => {
      const headers = { "content-type": "application/json", ...more };
      const messages = [{ role: "user", content: "hi" }];
      const call = (member: object): TargetCall => {
        const body = JSON.stringify(wrap({ model: fleet.model, messages, ...member }));
        return { method: "POST", target, headers, body };
      };
      for (const name of MEMBERS) {
        const { body } = await expectRefused(call({ [name]: null }), 400, "invalid_request");
        expect(body).toContain(`${name} is between engines`);
      }
      const before = own.seen.length;
      const allowed = call({ kv_transfer_params: { remote: "x" } });
      const { status } = await ask({ ...allowed, headers: { ...headers, ...CLIENTS } }, "operator");
      expect([200, 202]).toContain(status);
      // A job comes later than its answer.
      const [arrived] = await fleet.until(
        async () => own.seen.slice(before).filter(({ method }) => method === "POST"),
        (posts) => posts.length > 0,
      );
      expect(JSON.stringify(arrived?.headers)).not.toMatch(/client's own|wp_/);
      // Of a job in Runpod's form the body alone is kept.
      expect(arrived?.headers.includes(CLIENTS["x-tenant-hint"])).toBe(!target.endsWith("/run"));
    },
  );
});

describe("output rails", () => {
  test("judge the path that is sent", async () => {
    const post = (target: string) => ask({ method: "POST", target, body: "{}" });
    for (const path of ["/v1/chat/completions", "//v1/chat//completions/", "/v1/ch%61t/completions"]) {
      expect((await post(`/p/railed${path}`)).body).toContain("[REDACTED:email]");
    }
    await expectRefused(
      { method: "POST", target: "/p/railed/v1/chat/x/../completions", body: "{}" },
      400,
      "invalid_request",
    );
  });
});

test("everything that reached the endpoint had its credential, and none of the client's", () => {
  expect(own.seen.length).toBeGreaterThan(0);
  expect(new Set(own.seen.map(({ authorization }) => authorization))).toEqual(new Set([`Bearer ${ENDPOINT_KEY}`]));
  expect(JSON.stringify(own.seen)).not.toContain("wp_");
  expect(evil.connections()).toBe(0);
});
