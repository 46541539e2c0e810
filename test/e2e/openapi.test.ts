/**
 * The document that a router serves of itself, held against that router: each operation is asked for, with the document's
 * own example as its body, and what is answered is what the document says.
 */
import { Validator } from "@cfworker/json-schema";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApiDocument } from "../../tools/openapi/document.ts";
import type { OpenApiDocument, Operation } from "../../tools/openapi/document.ts";
import { startFleet } from "../support/fleet.ts";
import type { Fleet } from "../support/fleet.ts";

type Json = Readonly<Record<string, unknown>>;

const WORKER = "gpu-worker";
/** Where a route needs something that is there. */
const ids = { runpod: "", native: "", batch: "", key: "", hook: "", taken: "", file: "", spare: "", lines: "" };

let fleet: Fleet;
let served: OpenApiDocument;

beforeAll(async () => {
  fleet = await startFleet({
    model: "demo-model",
    endpoints: [{ id: "us-a", region: "us-east" }],
    keys: [{ id: WORKER, scopes: ["worker"] }],
    morePools: { pulled: { endpoints: [], jobs: { pull: true } } },
  });
  served = (await (await fetch(`${fleet.router.url}/openapi.json`)).json()) as OpenApiDocument;
  const post = async (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Json> =>
    (await (await fleet.call(path, { method: "POST", headers, body: JSON.stringify(body) })).json()) as Json;
  const chat = { model: "demo-model", max_tokens: 2, messages: [{ role: "user", content: "hello" }] };
  const input = { messages: chat.messages, sampling_params: { max_tokens: 2 } };
  ids.runpod = String((await post("/v2/main/runsync", { input }))["id"]);
  ids.native = String((await post("/v1/chat/completions", chat, { prefer: "respond-async" }))["id"]);
  await fleet.call(`/v1/jobs/${ids.native}`, { headers: { prefer: "wait=60" } });
  ids.batch = String((await post("/v2/main/batch", {}))["id"]);
  ids.key = String((await post("/admin/keys", { tenant: "acme" }))["id"]);
  const upload = async (): Promise<string> => {
    const form = new FormData();
    form.set("purpose", "batch");
    form.set("file", new File(["{}"], "batch.jsonl"));
    return String(((await (await fleet.call("/v1/files", { method: "POST", body: form })).json()) as Json)["id"]);
  };
  ids.file = await upload();
  // The one that is deleted.
  ids.spare = await upload();
  const order = { input_file_id: ids.file, endpoint: "/v1/chat/completions", completion_window: "24h" };
  ids.lines = String((await post("/v1/batches", order))["id"]);
  ids.hook =
    String((await post("/admin/hooks", { pool: "main", tenant: "tests" }))["path"])
      .split("/")
      .at(-1) ?? "";
  // One for each of the two ways in which a worker takes, and one whose end it tells.
  for (let jobs = 0; jobs < 3; jobs += 1) await post("/v2/pulled/run", { input: { prompt: "x" } });
  const taken = await fleet.call("/v2/pulled/job-take/w1", { headers: keyOf("/v2/{pool}/job-take/{worker}") });
  ids.taken = String(((await taken.json()) as Json)["id"]);
  expect(Object.entries(ids).filter(([, id]) => id === "" || id === "undefined")).toEqual([]);
});
afterAll(async () => fleet.close());

const isOfWorkers = (path: string): boolean => /\/(?:job-|ping)/.test(path);
const keyOf = (path: string) => (isOfWorkers(path) ? { authorization: `Bearer ${fleet.keyOf(WORKER)}` } : {});

/** What cannot be asked for by one request that ends. */
const NOT_ASKED: Readonly<Record<string, string>> = {
  "get /dashboard/api/live": "a WebSocket",
  "post /v1/files": "takes a form: files.test.ts sends it",
  "get /v2/{pool}/job-stop/{worker}": "is held for a minute where there is nothing to stop",
};

/** What is refused here, and as what: there is no demo, nothing that failed, and no file whose name holds a hash. */
const REFUSED: Readonly<Record<string, number>> = {
  // The simulated engine speaks chat alone: it keeps no response.
  // It opens no socket without an upgrade.
  "get /v1/realtime": 400,
  "get /v1/responses/{id}": 404,
  "delete /v1/responses/{id}": 404,
  "post /v1/responses/{id}/cancel": 404,
  "get /v1/responses/{id}/input_items": 404,
  // No stream was kept: its own tests ask for one.
  "get /v1/streams/{name}": 404,
  // A batch of a file that is none has failed; the file of the document's example is nobody's.
  "post /v1/batches/{id}/cancel": 400,
  "post /v1/batches": 400,
  "get /dashboard/{file}": 404,
  "get /dashboard/api/demo": 404,
  "post /dashboard/api/demo": 404,
  "post /v1/jobs/{id}/retry": 400,
  "post /v2/{pool}/retry/{id}": 400,
  "post /admin/jobs/{pool}/jobs/{id}/retry": 400,
  "post /v1/jobs/dead-webhooks/{id}/replay": 404,
  "post /admin/jobs/{pool}/dead-webhooks/{id}/replay": 404,
};

const QUERIES: Readonly<Record<string, string>> = {
  "/v1/jobs": "?pool=main",
  "/v1/jobs/dead-letters": "?pool=main",
  "/v1/jobs/dead-webhooks": "?pool=main",
  "/v1/jobs/dead-webhooks/{id}/replay": "?pool=main",
  "/dashboard/api/try": "?path=/v1/chat/completions",
};

function filled(path: string): string {
  const id = path.startsWith("/v1/jobs")
    ? ids.native
    : path.startsWith("/admin/keys")
      ? ids.key
      : path.startsWith("/admin/endpoints")
        ? "us-a"
        : isOfWorkers(path)
          ? ids.taken
          : path.startsWith("/v1/files")
            ? ids.file
            : path.startsWith("/v1/batches")
              ? ids.lines
              : ids.runpod;
  return path
    .replace("{pool}", isOfWorkers(path) ? "pulled" : "main")
    .replace("{region}", "us-east")
    .replace("{batch}", ids.batch)
    .replace("{worker}", "w1")
    .replace("{model}", "demo-model")
    .replace("{path}", "v1/models")
    .replace("{token}", ids.hook)
    .replace("{file}", "main.js")
    .replace("{id}", id);
}

/** The operations as this tree writes them: the served ones are compared with them below. */
const OPERATIONS: readonly (readonly [name: string, path: string, method: string, operation: Operation])[] =
  Object.entries(openApiDocument("0.1.0").paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      // Of a route that takes any method, one stands for all.
      .filter(([method]) => !path.endsWith("{path}") || method === "get")
      .map(([method, operation]) => [`${method} ${path}`, path, method, operation] as const),
  );

/** What ends a thing comes last, so that everything else finds it there. */
const ENDS = /(?:purge-queue|cancel|drain|restart|pause|retry|finalize)$|^delete /;
const IN_ORDER = [
  ...OPERATIONS.filter(([name]) => !ENDS.test(name)),
  ...OPERATIONS.filter(([name]) => ENDS.test(name)),
];

test("is served without a key, to every origin that the deployment allows, and for an hour", async () => {
  const response = await fetch(`${fleet.router.url}/openapi.json`);
  expect([response.status, response.headers.get("content-type"), response.headers.get("cache-control")]).toEqual([
    200,
    "application/json",
    "public, max-age=3600",
  ]);
  expect((await fetch(`${fleet.router.url}/openapi.json`, { method: "HEAD" })).status).toBe(200);
});

test("is the one that this tree makes", () => {
  expect(served).toEqual(openApiDocument((served["info"] as { readonly version: string }).version));
});

describe("what the router answers is what its document says", () => {
  test.each(IN_ORDER.filter(([name]) => NOT_ASKED[name] === undefined))("%s", async (name, path, method, operation) => {
    const written = operation.requestBody?.content["application/json"]?.["example"];
    // No document has a key that is good.
    const example = path === "/dashboard/api/session" && written !== undefined ? { key: fleet.key } : written;
    const form = operation.requestBody?.content["multipart/form-data"]?.["example"];
    const asked = method === "delete" ? filled(path).replace(ids.file, ids.spare) : filled(path);
    const response = await fleet.call(asked + (QUERIES[path] ?? ""), {
      method: method.toUpperCase(),
      ...(form === undefined
        ? { headers: { "content-type": "application/json", ...keyOf(path) } }
        : { body: formOf(form as Readonly<Record<string, string>>) }),
      ...(example === undefined ? {} : { body: JSON.stringify(example) }),
    });
    const text = await response.text();
    const { status } = response;
    const refusedAs = REFUSED[name];
    expect(refusedAs === undefined ? status < 300 : status === refusedAs, `${status} ${text}`).toBe(true);
    const { responses } = operation;
    const told = responses[status] ?? responses[`${Math.floor(status / 100)}XX`] ?? responses["default"];
    expect(problemsOf(told, response.headers.get("content-type") ?? "", text)).toEqual([]);
  });

  const LOOKED_AT = IN_ORDER.filter(([name, , method]) => method === "get" && NOT_ASKED[name] === undefined);

  test.each(LOOKED_AT)("%s answers HEAD as GET, without its body, or says that it does not", async (name, path) => {
    const response = await fleet.call(filled(path) + (QUERIES[path] ?? ""), { method: "HEAD", headers: keyOf(path) });
    expect(await response.text()).toBe("");
    const isTaken = /\/(?:job-take|job-take-batch|ping|stream|status-sync)\/|\/events$/.test(path);
    expect(response.status).toBe(isTaken ? 405 : (REFUSED[name] ?? 200));
  });

  test("what is refused or not asked is in it", () => {
    const known = new Set(OPERATIONS.map(([name]) => name));
    expect([...Object.keys(REFUSED), ...Object.keys(NOT_ASKED)].filter((name) => !known.has(name))).toEqual([]);
  });
});

function formOf(example: Readonly<Record<string, string>>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(example)) {
    form.append(name, name === "file" || name === "image" ? new File([value], `${name}.bin`) : value);
  }
  return form;
}

type Content = Readonly<Record<string, { readonly schema?: Json }>>;

/** Of an answer, against what is told of it. */
function problemsOf(told: Json | undefined, contentType: string, text: string): readonly string[] {
  if (told === undefined) return ["the document does not have this status"];
  const resolved = typeof told["$ref"] === "string" ? at(told["$ref"]) : told;
  const content = resolved["content"] as Content | undefined;
  if (content === undefined) return text === "" ? [] : [`nothing is told of a body: ${text}`];
  const [type = ""] = contentType.split(";");
  const { schema } = content[type] ?? {};
  if (schema === undefined && content["*/*"] !== undefined) return [];
  if (schema === undefined) return [`the document does not have ${type}`];
  if (type !== "application/json") return [];
  const { valid, errors } = new Validator({ ...schema, components: served.components }, "2020-12", false).validate(
    JSON.parse(text),
  );
  return valid ? [] : [...errors.map(({ error, instanceLocation }) => `${instanceLocation} ${error}`), text];
}

const at = (ref: string): Json =>
  ref
    .split("/")
    .slice(1)
    .reduce((value, step) => value[step] as Json, served as Json);
