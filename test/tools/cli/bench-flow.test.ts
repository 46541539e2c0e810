/** What the flow benchmark asks, counts and prints; how fast anything is, no test asks. */
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { openClient, wholeBody } from "../../../bench/flow-client.ts";
import { flowBindings, flowConfig } from "../../../bench/flow-config.ts";
import { createDelayLine } from "../../../bench/flow-delay.ts";
import { runUsers } from "../../../bench/flow-load.ts";
import { figuresOf, tableOf } from "../../../bench/flow-report.ts";
import { startMocks } from "../../../bench/flow-stage.ts";
import {
  barePath,
  CHECKS,
  FLOORS_MS,
  floorMs,
  harnessCeiling,
  isScoreAnswer,
  OVERLAPS,
  SCORE_PATH,
  scoreAnswer,
  scoreRequest,
} from "../../../bench/flow-workload.ts";
import { countProblems, readOptions } from "../../../bench/flow.ts";
import { seededRng } from "../../../src/lib/rng.ts";
import { parseConfig } from "../../../src/config/config-parse.ts";

const THOUSAND = { users: 1_000, rampPerSecond: 10, windowMs: 300_000 };
const FIVE_HUNDRED = { users: 500, rampPerSecond: 50, windowMs: 60_000 };

describe("the workload", () => {
  test.each([
    [THOUSAND, 90_978, 303],
    [FIVE_HUNDRED, 10_031, 167],
  ])("users that think cannot get more than the known ceiling: %o", (users, requests, rps) => {
    const ceiling = harnessCeiling(users, 1_250);
    expect(Math.abs(ceiling / requests - 1)).toBeLessThan(0.002);
    expect(Math.round((ceiling * 1_000) / users.windowMs)).toBe(rps);
  });

  test("the floor is the checks and the model in a row, or the model alone", () => {
    const floors = OVERLAPS.flatMap((overlap) => [true, false].map((hasChecks) => floorMs(overlap, hasChecks)));
    expect(floors).toEqual([1_250, 1_000, 1_000, 1_000]);
  });

  test("an answer has the published shape and size", () => {
    const text = scoreAnswer(1_003.194_332_122_8);
    const { answer } = JSON.parse(text) as { answer: Record<string, unknown> };
    expect(Object.keys(answer)).toEqual([
      "total_time_sec",
      "min_wait_time_sec",
      "max_wait_time_sec",
      "pf_node_time_sec",
      "type",
    ]);
    expect(Math.abs(text.length - 137)).toBeLessThanOrEqual(1);
    expect(isScoreAnswer(text)).toBe(true);
  });

  test.each(["", "{}", `${scoreAnswer(1_000)} `, scoreAnswer(1_000).slice(1), '{"error":{"code":"saturated"}}'])(
    "another answer is noticed: %s",
    (text) => {
      expect(isScoreAnswer(text)).toBe(false);
    },
  );
});

describe("the router's config", () => {
  const cases = OVERLAPS.flatMap((overlap) => [true, false].map((hasChecks) => ({ overlap, hasChecks })));

  test.each(cases)("is one that the router accepts: %o", ({ overlap, hasChecks }) => {
    const config = parseConfig(JSON.stringify(flowConfig({ mocksUrl: "http://127.0.0.1:9", overlap, hasChecks })));
    expect(config).toMatchObject({ ok: true });
    if (!config.ok) return;
    expect(config.value.routes.get(SCORE_PATH)).toMatchObject({ poolId: "flow", upstreamPath: SCORE_PATH });
    const rails = config.value.pools.get("flow")?.rails;
    expect(rails).toMatchObject({ overlap });
    const checks = rails?.input.filter(({ use }) => use === "webhook").map(({ name }) => name);
    expect(checks).toEqual(hasChecks ? CHECKS : []);
  });

  test("is good, and names a secret that signs", () => {
    const bindings = flowBindings({ mocksUrl: "http://127.0.0.1:9", overlap: "acquire", hasChecks: true });
    expect(parseConfig(bindings["WARMPATH_CONFIG"] ?? "").ok).toBe(true);
    expect(bindings["FLOW_CHECK_SECRET"]).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  });
});

describe("options", () => {
  test("without any, the run is short", () => {
    expect(readOptions([])).toEqual({
      users: { users: 100, rampPerSecond: 50, windowMs: 20_000 },
      overlap: "acquire",
      hasChecks: true,
      ceiling: false,
      bundlePath: null,
      jsonPath: null,
    });
  });

  test("the published runs can be asked for", () => {
    const args = "--users 1000 --ramp 10 --seconds 300 --overlap dispatch --ceiling --no-checks".split(" ");
    expect(readOptions(args)).toMatchObject({ users: THOUSAND, overlap: "dispatch", hasChecks: false, ceiling: true });
  });

  test.each([
    ["--users", "0"],
    ["--users", "10001"],
    ["--users", "1.5"],
    ["--ramp", "0"],
    ["--ramp", "10001"],
  ])("%s %s is refused", (...args) => {
    expect(() => readOptions(args)).toThrow(/takes/);
  });

  test.each([
    ["--seconds", "1"],
    ["--seconds", "3601"],
    ["--overlap", "both"],
    ["--seconds", ""],
  ])("%s %s is refused", (...args) => {
    expect(() => readOptions(args)).toThrow(/takes/);
  });
});

describe("an answer on the wire", () => {
  const head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain";
  test.each([
    ["the headers are not complete", `${head}\r\n`, null],
    ["bytes are missing", `${head}\r\nContent-Length: 3\r\n\r\nab`, null],
    ["all bytes are here", `${head}\r\ncontent-length: 3\r\n\r\nabc`, "abc"],
    ["there are none", `${head}\r\ncontent-length: 0\r\n\r\n`, ""],
    ["a chunk is cut", `${head}\r\n\r\n3\r\nab`, null],
    ["the last chunk is missing", `${head}\r\n\r\n3\r\nabc\r\n`, null],
    ["the last line end is missing", `${head}\r\n\r\n3\r\nabc\r\n0\r\n`, null],
    ["all chunks are here", `${head}\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n`, "abc0123456789"],
  ])("%s", (_, text, body) => {
    expect(wholeBody(text)).toBe(body);
  });
});

/** Answers each request with what `answer` does to its socket; requests are told apart by their blank line. */
async function serve(answer: (socket: Socket, request: number) => void) {
  const sockets = new Set<Socket>();
  let requests = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", () => answer(socket, (requests += 1)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, connections: () => sockets.size };
}

const good = (socket: Socket): void => {
  socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
};
const request = scoreRequest(SCORE_PATH);
const isGood = (body: string): boolean => body === "ok";

describe("a user's connection", () => {
  test("is kept for the next question", async () => {
    const { port, connections } = await serve(good);
    const client = openClient({ port, request, isGood });
    for (let time = 0; time < 3; time += 1) expect(await client.ask()).toMatchObject({ problem: null });
    expect(connections()).toBe(1);
    client.close();
  });

  test("is opened again when the server closed it between two questions", async () => {
    const { port, connections } = await serve((socket) => {
      socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
    });
    const client = openClient({ port, request, isGood });
    for (let time = 0; time < 2; time += 1) expect(await client.ask()).toMatchObject({ problem: null });
    expect(connections()).toBe(2);
    client.close();
  });

  test.each([
    [
      "another status",
      (socket: Socket) => void socket.write("HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\nok"),
      /503/,
    ],
    ["another body", (socket: Socket) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno"), /no$/],
    ["a cut answer", (socket: Socket) => void socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok"), /closed/],
    ["a reset", (socket: Socket) => void socket.resetAndDestroy(), /ECONNRESET|closed/],
  ])("%s is a failure, and the next question is asked anew", async (_, answer, problem) => {
    const { port } = await serve((socket, nth) => (nth === 1 ? answer(socket) : good(socket)));
    const client = openClient({ port, request, isGood });
    expect((await client.ask()).problem).toMatch(problem);
    expect((await client.ask()).problem).toBeNull();
    client.close();
  });

  test("nobody listens: that is a failure", async () => {
    const { port } = await serve(good);
    const gone = createServer().listen(0, "127.0.0.1");
    await once(gone, "listening");
    const closed = (gone.address() as AddressInfo).port;
    gone.close();
    await once(gone, "close");
    expect(closed).not.toBe(port);
    expect((await openClient({ port: closed, request, isGood }).ask()).problem).toMatch(/ECONNREFUSED/);
  });
});

describe("the users", () => {
  const users = { users: 3, rampPerSecond: 1_000, windowMs: 300 };

  test("each asks and then thinks; answers are counted once", async () => {
    const { port, connections } = await serve(good);
    const load = await runUsers({ users, client: { port, request, isGood }, rng: seededRng(1) });
    expect(load).toMatchObject({ asked: 3, failures: 0, late: 0, lateFailures: 0, problems: [] });
    expect(load.latenciesMs).toHaveLength(3);
    expect(connections()).toBe(3);
  });

  test("an answer after the window is waited for, and does not count", async () => {
    const line = createDelayLine(users.windowMs + 100);
    const { port } = await serve((socket) => line.hold(() => good(socket)));
    const load = await runUsers({ users, client: { port, request, isGood }, rng: seededRng(1) });
    expect(load).toMatchObject({ asked: 3, latenciesMs: [], failures: 0, late: 3 });
  });

  test("a failure counts and has no latency", async () => {
    const { port } = await serve((socket) => socket.write("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"));
    const load = await runUsers({ users, client: { port, request, isGood }, rng: seededRng(1) });
    expect(load).toMatchObject({ asked: 3, latenciesMs: [], failures: 3 });
    expect(load.problems).toHaveLength(1);
  });

  test("who would begin after the window does not begin", async () => {
    const { port, connections } = await serve(good);
    const slow = { users: 3, rampPerSecond: 2, windowMs: 400 };
    const load = await runUsers({ users: slow, client: { port, request, isGood }, rng: seededRng(1) });
    expect([load.asked, connections()]).toEqual([1, 1]);
  });
});

describe("the mocks", () => {
  test("a delay line never answers early, and in the order of arrival", async () => {
    const delayMs = 20;
    const line = createDelayLine(delayMs);
    const order: number[] = [];
    const held = Array.from({ length: 50 }, async (_, index) => {
      // Each in a turn of its own.
      for (let turn = 0; turn < index; turn += 1) await new Promise(setImmediate);
      const arrivedAtMs = performance.now();
      return new Promise<boolean>((settle) => {
        line.hold((heldMs) => {
          order.push(index);
          settle(heldMs >= delayMs && performance.now() - arrivedAtMs >= delayMs);
        });
      });
    });
    expect(await Promise.all(held)).toEqual(held.map(() => true));
    expect(order).toEqual(order.toSorted((left, right) => left - right));
  });

  test("every path answers after its time, in its shape, and is counted until taken", async () => {
    const mocks = await startMocks();
    onTestFinished(() => mocks.close());
    const paths = [...CHECKS.map((name) => `/${name}`), SCORE_PATH, ...FLOORS_MS.map(barePath)];
    const answers = await Promise.all(
      paths.map(async (path) => {
        const response = await fetch(`http://127.0.0.1:${mocks.port}${path}`, {
          method: "POST",
          body: path === "/check-3" ? "{}" : JSON.stringify({ parts: [{ text: "Test question" }] }),
        });
        return [response.status, await response.text()] as const;
      }),
    );
    for (const [index, [status, text]] of answers.entries()) {
      expect(status).toBe(200);
      if (index < CHECKS.length) expect(JSON.parse(text)).toEqual({ verdict: "allow" });
      else expect(isScoreAnswer(text)).toBe(true);
    }
    const each = Object.fromEntries(paths.map((path) => [path, 1]));
    expect(await mocks.take()).toMatchObject({ answers: each, blindChecks: 1 });
    expect(await mocks.take()).toEqual({ answers: {}, blindChecks: 0, lateMsP50: null, lateMsP99: null });
  });
});

describe("the report", () => {
  const none = { asked: 0, latenciesMs: [], failures: 0, late: 0, lateFailures: 0, problems: [] };
  const load = { ...none, asked: 103, latenciesMs: Array.from({ length: 100 }, (_, index) => index + 1), failures: 2 };
  const counts = (answers: Record<string, number>) => ({ answers, blindChecks: 0, lateMsP50: null, lateMsP99: null });

  test("figures are of the window: failures are requests and have no latency", () => {
    expect(figuresOf(load, { users: 10, rampPerSecond: 1, windowMs: 20_000 })).toEqual({
      requests: 102,
      failures: 2,
      rps: 5.1,
      p50Ms: 50,
      p95Ms: 95,
      p99Ms: 99,
      maxMs: 100,
    });
  });

  test("a run without an answer has no latency at all", () => {
    const users = { users: 1, rampPerSecond: 1, windowMs: 2_000 };
    expect(figuresOf(none, users)).toMatchObject({ requests: 0, rps: 0, p50Ms: null, maxMs: null });
  });

  test("a question without one of its calls is told", () => {
    const asked = { ...none, asked: 2 };
    expect(countProblems(asked, counts({ "/score": 2, "/check-1": 2 }), ["/score", "/check-1"])).toEqual([]);
    expect(countProblems(asked, counts({ "/score": 3 }), ["/score", "/check-1"])).toEqual([
      "/score answered 3 times for 2 questions",
      "/check-1 answered 0 times for 2 questions",
    ]);
    expect(countProblems({ ...asked, lateFailures: 1 }, counts({}), ["/score"])).toEqual([]);
  });

  test("the table has the published rows and the ceilings beside ours", () => {
    const figures = figuresOf(load, THOUSAND);
    const table = tableOf({ users: THOUSAND, floorMs: 1_250, name: "router", figures, bare: figures });
    for (const text of ["65554", "218.9", "40.6", "9816", "303.", "167.", "mock alone, 1250 ms", "router"])
      expect(table).toContain(text);
    expect(tableOf({ users: THOUSAND, floorMs: 1_250, name: "router", figures, bare: null })).not.toContain("alone");
  });
});
