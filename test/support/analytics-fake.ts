/**
 * Workers Analytics Engine as its documentation says it is: points go in as the binding takes them, and SQL is executed, by
 * SQLite, with the engine's functions where SQLite has none. Answers come as its SQL API gives them: whole numbers of 64
 * bits as texts, `meta`, `data`, `rows`. It refuses what the engine would: too many blobs or doubles, too long an index, too
 * many bytes.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";

type Point = {
  readonly indexes: readonly string[];
  readonly blobs: readonly string[];
  readonly doubles: readonly number[];
};

const COLUMNS_MAX = 20;
const numbers = Array.from({ length: COLUMNS_MAX }, (_, at) => at + 1);

export class AnalyticsFake {
  readonly #db = new DatabaseSync(":memory:");

  constructor() {
    const blobs = numbers.map((n) => `blob${n} TEXT`).join(", ");
    const doubles = numbers.map((n) => `double${n} REAL`).join(", ");
    this.#db.exec(
      `CREATE TABLE warmpath_requests (timestamp INTEGER, _sample_interval INTEGER, index1 TEXT, ${blobs}, ${doubles})`,
    );
    const whole = { deterministic: true };
    this.#db.function("toUnixTimestamp", whole, (at) => at as number);
    this.#db.function("toDateTime", whole, (at) => at as number);
    this.#db.function("intDiv", whole, (one, other) => Math.floor((one as number) / (other as number)));
    // An accumulator is a value of SQLite's: the samples as JSON.
    this.#db.aggregate("quantileExactWeighted", {
      start: "",
      step: (all, q, value, weight) => `${String(all)}${JSON.stringify([q, value, weight])}\n`,
      result: (all) =>
        quantileOf(
          String(all)
            .split("\n")
            .flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Sample])),
        ),
    });
  }

  /** `sampled`: how many points it stands for. */
  write({ indexes, blobs, doubles }: Point, atMs: number, sampled = 1): void {
    const bytes = blobs.reduce((sum, blob) => sum + Buffer.byteLength(blob), 0);
    const problem =
      blobs.length > COLUMNS_MAX || doubles.length > COLUMNS_MAX
        ? "more than 20 blobs or doubles"
        : indexes.length > 1 || Buffer.byteLength(indexes[0] ?? "") > 96
          ? "more than one index, or more than 96 bytes of it"
          : bytes > 16_384
            ? "more than 16 KB of blobs"
            : null;
    if (problem !== null) throw new TypeError(problem);
    const names = [...blobs.map((_, at) => `blob${at + 1}`), ...doubles.map((_, at) => `double${at + 1}`)];
    const marks = Array.from({ length: names.length + 3 }, () => "?").join(", ");
    this.#db
      .prepare(
        `INSERT INTO warmpath_requests (timestamp, _sample_interval, index1, ${names.join(", ")}) VALUES (${marks})`,
      )
      .run(Math.floor(atMs / 1_000), sampled, indexes[0] ?? "", ...blobs, ...doubles);
  }

  query(sql: string): unknown {
    const [statement = "", format] = sql.split(/\nFORMAT (\w+)$/);
    if (format !== "JSON") throw new Error("it was asked for JSON");
    const plain = statement.replaceAll(/quantileExactWeighted\(([\d.]+)\)\(/g, "quantileExactWeighted($1, ");
    const rows = this.#db.prepare(plain.replaceAll(/\bif\(/g, "iif(")).all();
    const data = rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [name, Number.isInteger(value) ? String(value) : value]),
      ),
    );
    const meta = Object.keys(rows[0] ?? {}).map((name) => ({ name, type: "Float64" }));
    return { meta, data, rows: data.length };
  }
}

type Sample = readonly [q: number, value: number, weight: number];

function quantileOf(all: readonly Sample[]): number {
  const sorted = all.filter(([, , weight]) => weight > 0).toSorted(([, one], [, other]) => one - other);
  const rank = (sorted[0]?.[0] ?? 0) * sorted.reduce((sum, [, , weight]) => sum + weight, 0);
  let below = 0;
  for (const [, value, weight] of sorted) {
    below += weight;
    if (below >= rank) return value;
  }
  return 0;
}

export type AnalyticsApi = {
  readonly url: string;
  /** Answered with this status instead; null: as it should. */
  status: number | null;
  /** The same of its body. */
  body: string | null;
  readonly close: () => void;
};

/** Its HTTP API for one account and one token. */
export async function startAnalyticsApi(fake: AnalyticsFake, account: string, token: string): Promise<AnalyticsApi> {
  const server = createServer((request, response) => {
    void text(request).then((sql) => {
      const isAsked = request.method === "POST" && request.url === `/accounts/${account}/analytics_engine/sql`;
      const isLetIn = request.headers.authorization === `Bearer ${token}`;
      const status = api.status ?? (isAsked ? (isLetIn ? 200 : 403) : 404);
      const body = api.body ?? (status === 200 ? JSON.stringify(fake.query(sql)) : "{}");
      response.writeHead(status, { "content-type": "application/json" }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const api: AnalyticsApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    status: null,
    body: null,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return api;
}
