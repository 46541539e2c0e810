/**
 * What every adapter of a GPU server must do, whatever the server is. One row per adapter says what is its own: where
 * readiness is read, and what a ready and a warming answer look like. A new adapter does not compile without its row.
 */
import { describe, expect, test } from "vitest";
import { egress } from "../../backends/egress.ts";
import type { AnswerClass, Backend, Target } from "../../backends/port.ts";
import { IMITATIONS, type Imitation } from "../../backends/gpu-simulator/imitations.ts";
import { BACKENDS } from "../../backends/registry.ts";
import { start } from "./gpu-simulator-support.ts";
import { refusedUrl, startAnswering, startGibberish, startOddServer } from "./odd-server.ts";
import type { OddServer } from "./odd-server.ts";

type BackendKind = keyof typeof BACKENDS;

type Row = {
  /** Path of the health URL at the GPU simulator. */
  readonly healthPath: string;
  readonly ready: { readonly status: number; readonly body: string };
  readonly warming: { readonly status: number; readonly body: string };
  /** What a probe says of the simulator in each of its states. */
  readonly simulated: Readonly<Record<"cold" | "warming" | "warm", string>>;
  /** What a wake-up asks for. */
  readonly wakePath: string;
  readonly wakeMethod?: string;
  /** Does asking so start a cold endpoint of the simulator. */
  readonly wakes: boolean;
};

/** Of an OpenAI-compatible server with a health path of its own, as far as the simulator imitates it. */
const engine = (healthPath: string, changes: Partial<Row> = {}): Row => ({
  healthPath,
  ready: { status: 200, body: "" },
  warming: { status: 503, body: "" },
  simulated: { cold: "warming", warming: "warming", warm: "ready" },
  wakePath: healthPath,
  wakes: false,
  ...changes,
});

const ROWS: Readonly<Record<BackendKind, Row>> = {
  openai: {
    healthPath: "/health",
    ready: { status: 200, body: "" },
    warming: { status: 204, body: "" },
    // The simulator, as vLLM, says 503 and no more while the model loads.
    simulated: { cold: "failed", warming: "failed", warm: "ready" },
    wakePath: "/health",
    wakes: false,
  },
  vllm: engine("/health", {
    warming: { status: 204, body: "" },
    simulated: { cold: "failed", warming: "failed", warm: "ready" },
  }),
  trtllm: engine("/health", {
    warming: { status: 204, body: "" },
    simulated: { cold: "failed", warming: "failed", warm: "ready" },
  }),
  tgi: engine("/health", {
    warming: { status: 204, body: "" },
    simulated: { cold: "failed", warming: "failed", warm: "ready" },
  }),
  llamacpp: engine("/health", {
    ready: { status: 200, body: `{"status":"ok"}` },
    warming: { status: 503, body: `{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}` },
  }),
  sglang: engine("/v1/loads", {
    ready: { status: 200, body: `{"loads":[{"dp_rank":0,"max_total_num_tokens":100}]}` },
    warming: { status: 200, body: `{"loads":[{"dp_rank":0,"max_total_num_tokens":0}]}` },
  }),
  nim: engine("/v1/health/ready"),
  triton: engine("/v2/health/ready", { warming: { status: 400, body: "" } }),
  cog: engine("/health-check", {
    ready: { status: 200, body: `{"status":"BUSY"}` },
    warming: { status: 200, body: `{"status":"STARTING"}` },
  }),
  ollama: engine("/api/ps", {
    ready: { status: 200, body: `{"models":[{"name":"sim-model:latest"}]}` },
    // It has no word for it: what is not in memory is cold until it is.
    warming: { status: 200, body: `{"models":[]}` },
    simulated: { cold: "cold", warming: "cold", warm: "ready" },
    wakePath: "/api/generate",
    wakeMethod: "POST",
    wakes: true,
  }),
  "runpod-lb": {
    healthPath: "/v2/abc/health",
    ready: { status: 200, body: `{"workers":{"idle":1,"running":0,"ready":1,"initializing":0}}` },
    warming: { status: 200, body: `{"workers":{"idle":0,"running":0,"ready":0,"initializing":1}}` },
    simulated: { cold: "cold", warming: "warming", warm: "ready" },
    wakePath: "/ping",
    wakes: true,
  },
};

const imitationOf = (kind: BackendKind): Imitation => IMITATIONS.find((one) => one === kind) ?? "vllm";

const never = new AbortController().signal;

/** A target whose work goes to `url` and whose readiness is read from `healthUrl`. */
export const targetAt = (url: string, healthUrl: string, changes: Partial<Target> = {}): Target => ({
  endpointId: "e1",
  model: "sim-model",
  url,
  authorization: "Bearer work",
  concurrencyPerWorker: 4,
  healthUrl,
  healthAuthorization: "Bearer health",
  ...changes,
});

/** The answer classes that hold for every adapter. */
const CLASSES: readonly (readonly [number, AnswerClass])[] = [
  [200, "served"],
  [201, "served"],
  [204, "served"],
  [302, "served"],
  [400, "client_fault"],
  [401, "server_fault"],
  [403, "server_fault"],
  [404, "client_fault"],
  [405, "client_fault"],
  [407, "server_fault"],
  [408, "client_fault"],
  [413, "client_fault"],
  [415, "client_fault"],
  [422, "client_fault"],
  [429, "capacity"],
  [499, "client_fault"],
  [500, "server_fault"],
  [501, "client_fault"],
  [502, "server_fault"],
  [503, "capacity"],
  [504, "server_fault"],
  [524, "server_fault"],
  [529, "capacity"],
];

export function describeContract(): void {
  describe.each(Object.keys(BACKENDS) as BackendKind[])("the %s adapter", (kind) => {
    const backend: Backend = BACKENDS[kind];
    const row = ROWS[kind];
    const probeAt = (url: string, signal = never) => backend.probe(targetAt(url, url + row.healthPath), egress, signal);

    test("is named as in the registry", () => {
      expect(backend.kind).toBe(kind);
    });

    describe("probing", () => {
      test.each(["cold", "warming", "warm"] as const)("tells of a simulated endpoint that is %s", async (state) => {
        const simulator = await start({ startState: state, imitates: imitationOf(kind) });
        expect((await probeAt(simulator.url)).kind).toBe(row.simulated[state]);
        expect(simulator.state(), "a probe only looks").toBe(state);
      });

      test.each(["ready", "warming"] as const)("understands a %s answer", async (which) => {
        const server = await startAnswering(row[which].status, row[which].body);
        expect((await probeAt(server.url)).kind).toBe(which === "warming" && kind === "ollama" ? "cold" : which);
      });

      test.each([
        ["that refuses connections", refusedUrl],
        ["that speaks no HTTP", startGibberish],
        ["that resets", async () => (await startOddServer((request) => request.socket.resetAndDestroy())).url],
        ["that answers 500", async () => (await startAnswering(500, "boom")).url],
        ["that answers 401", async () => (await startAnswering(401)).url],
        ["that dies in its body", async () => (await startOddServer(dyingInBody)).url],
      ] as const)("finds a server %s failed", async (_, startServer) => {
        expect(await probeAt(await startServer())).toMatchObject({ kind: "failed" });
      });

      test.each([
        ["before its headers", () => {}],
        ["in its body", (response: Parameters<Parameters<typeof startOddServer>[0]>[1]) => response.write("{")],
      ] as const)("ends when its signal does, with a server that hangs %s", async (_, begin) => {
        const controller = new AbortController();
        const server = await startOddServer((__, response) => {
          begin(response);
          setImmediate(() => controller.abort());
        });
        expect(await probeAt(server.url, controller.signal)).toMatchObject({ kind: "failed" });
      });

      test("sends nothing when its signal has ended before", async () => {
        const server = await startAnswering(row.ready.status, row.ready.body);
        expect(await probeAt(server.url, AbortSignal.abort())).toMatchObject({ kind: "failed" });
        expect(server.asked).toEqual([]);
      });

      test.each(["", "null", "[]", "7", `"text"`, "{", "<html>", `{"workers":null}`, `{"workers":[]}`, "\u0000\uFFFF"])(
        "survives the body %j",
        async (body) => {
          for (const status of [200, 404, 503]) {
            const { kind: found } = await probeAt((await startAnswering(status, body)).url);
            expect(["ready", "warming", "cold", "failed"]).toContain(found);
          }
        },
      );

      test("does not read an answer without end", async () => {
        const { promise: left, resolve: leave } = Promise.withResolvers<void>();
        const server = await startOddServer((_, response) => {
          response.on("close", leave);
          const chunk = "x".repeat(65_536);
          const pour = (): void => {
            while (!response.destroyed && response.write(chunk));
          };
          response.on("drain", pour);
          pour();
        });
        await probeAt(server.url);
        await left;
      });
    });

    describe("waking", () => {
      test("asks where a wake-up is heard", async () => {
        const server = await startAnswering(200);
        await backend.wake(targetAt(server.url, `${server.url}${row.healthPath}`), egress, never);
        expect(server.asked.map(({ method, url }) => [method, url])).toEqual([[row.wakeMethod ?? "GET", row.wakePath]]);
      });

      test("starts a cold endpoint that starts when it is asked", async () => {
        const simulator = await start({ startState: "cold", imitates: imitationOf(kind) });
        await backend.wake(targetAt(simulator.url, `${simulator.url}${row.healthPath}`), egress, never);
        expect(simulator.state()).toBe(row.wakes ? "warming" : "cold");
      });

      test("never throws", async () => {
        const url = await refusedUrl();
        await backend.wake(targetAt(url, url), egress, never);
        await backend.wake(targetAt(url, url), egress, AbortSignal.abort());
      });
    });

    describe("credentials", () => {
      /** Work and readiness on two origins. */
      async function askBoth(changes: Partial<Target> = {}): Promise<{ work: OddServer; health: OddServer }> {
        const work = await startAnswering(200);
        const health = await startAnswering(404);
        const target = targetAt(work.url, `${health.url}/health`, changes);
        await backend.probe(target, egress, never);
        await backend.wake(target, egress, never);
        return { work, health };
      }
      const heard = ({ asked }: OddServer) => [...new Set(asked.map(({ authorization }) => authorization))];

      test("go only to the origin they are for", async () => {
        const { work, health } = await askBoth();
        expect(heard(health)).toEqual(["Bearer health"]);
        // Some never ask anything but their health path.
        expect(heard(work).filter((one) => one !== "Bearer work")).toEqual([]);
      });

      test("are not sent where there are none", async () => {
        const { work, health } = await askBoth({ healthAuthorization: null, authorization: null });
        expect([...heard(health), ...heard(work)].filter((one) => one !== null)).toEqual([]);
        expect(heard(health)).toEqual([null]);
      });

      test("do not follow a redirect, and neither does the probe", async () => {
        const elsewhere = await startAnswering(row.ready.status, row.ready.body);
        const server = await startAnswering(307, "", { location: `${elsewhere.url}${row.healthPath}` });
        const found = await backend.probe(targetAt(server.url, server.url + row.healthPath), egress, never);
        expect(found).toMatchObject({ kind: "failed" });
        expect(elsewhere.asked).toEqual([]);
      });
    });

    test.each(CLASSES)("takes a plain %i for %s", (status, is) => {
      expect(backend.classify({ status, headers: new Headers(), bodyStart: "" })).toBe(is);
      const bodyStart = JSON.stringify({ error: { message: "max_tokens is too large", type: "InternalServerError" } });
      expect(backend.classify({ status, headers: new Headers(), bodyStart })).toBe(is);
    });
  });
}

const dyingInBody: Parameters<typeof startOddServer>[0] = (_, response) => {
  response.writeHead(200, { "content-length": "100" });
  response.write("{", () => response.destroy());
};
