/** OpenAI's files on a real router: the unmodified `openai` package, raw forms that are wrong, and a kill. */
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import type { FileListParams } from "openai/resources/files";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FIELD_BYTES_MAX, FILE_BYTES_MAX, FILENAME_CHARS_MAX } from "../../src/files/core/bounds.ts";
import { onDisk } from "../support/disk.ts";
import { startFilesRouter } from "../support/files-router.ts";
import type { FilesRouter } from "../support/files-router.ts";

let one: FilesRouter;
beforeAll(async () => {
  one = await startFilesRouter();
});
afterAll(async () => one.close());

const fileOf = (text: string | Uint8Array<ArrayBuffer>, name = "in.jsonl"): File => new File([text], name);

async function contentOf(key: string, id: string): Promise<Buffer> {
  return Buffer.from(await (await one.client(key).files.content(id)).arrayBuffer());
}

describe("the openai package", () => {
  test.each([
    ["of nothing", 0],
    ["of one byte", 1],
    ["of exactly a part", 1024 * 1024],
    ["of a part and a byte", 1024 * 1024 + 1],
    ["of five parts", 5_000_000],
  ])("uploads a file %s and reads the same bytes again", async (_, size) => {
    const bytes = randomBytes(size);
    const client = one.client(one.owner);
    const file = await client.files.create({ file: fileOf(bytes, "träume.bin"), purpose: "user_data" });
    expect(file).toMatchObject({ object: "file", bytes: size, filename: "träume.bin", purpose: "user_data" });
    expect([file.status, file.expires_at]).toEqual(["processed", null]);
    expect(await client.files.retrieve(file.id)).toEqual(file);
    const content = await client.files.content(file.id);
    expect(content.headers.get("content-length")).toBe(String(size));
    expect(Buffer.from(await content.arrayBuffer()).equals(bytes)).toBe(true);
    expect(await client.files.delete(file.id)).toEqual({ id: file.id, object: "file", deleted: true });
    await expect(client.files.retrieve(file.id)).rejects.toMatchObject({ status: 404, code: "not_found" });
    await expect(client.files.content(file.id)).rejects.toMatchObject({ status: 404 });
    await expect(client.files.delete(file.id)).rejects.toMatchObject({ status: 404 });
  });

  test("asks for an expiry, within its range, and gets OpenAI's where a batch's file asks for none", async () => {
    const client = one.client(one.owner);
    const upload = async (seconds: number) =>
      client.files.create({
        file: fileOf("x"),
        purpose: "user_data",
        expires_after: { anchor: "created_at", seconds },
      });
    for (const seconds of [3_600, 2_592_000]) {
      const file = await upload(seconds);
      expect((file.expires_at ?? 0) - file.created_at).toBe(seconds);
    }
    for (const seconds of [3_599, 2_592_001]) {
      await expect(upload(seconds)).rejects.toMatchObject({ status: 400, param: "expires_after" });
    }
    const batch = await client.files.create({ file: fileOf("{}"), purpose: "batch" });
    expect((batch.expires_at ?? 0) - batch.created_at).toBe(30 * 86_400);
  });

  test("pages through its files in both orders and by purpose", async () => {
    const { json } = await one.ask("POST", "/admin/keys", one.operator, { tenant: "pages", scopes: ["infer"] });
    const client = one.client(String(json["key"]));
    const made: string[] = [];
    for (const purpose of ["batch", "user_data", "batch", "user_data", "batch"] as const) {
      made.push((await client.files.create({ file: fileOf("x"), purpose })).id);
    }
    const ids = async (query: FileListParams): Promise<string[]> => {
      const found: string[] = [];
      for await (const file of client.files.list(query)) found.push(file.id);
      return found;
    };
    expect(await ids({ limit: 2 })).toEqual(made.toReversed());
    expect(await ids({ limit: 2, order: "asc" })).toEqual(made);
    expect(await ids({ limit: 1, order: "asc", purpose: "batch" })).toEqual([made[0], made[2], made[4]]);
    const page = await client.files.list({ limit: 2 });
    expect([page.has_more, page.data.length]).toEqual([true, 2]);
    expect((await one.ask("GET", "/v1/files?limit=2", String(json["key"]))).json).toMatchObject({
      object: "list",
      first_id: made[4],
      last_id: made[3],
      has_more: true,
    });
    for (const query of ["limit=0", "limit=10001", "limit=x", "order=up", "after=file-none"]) {
      const said = await one.ask("GET", `/v1/files?${query}`, String(json["key"]));
      expect([said.status, (said.json["error"] as { param: string }).param]).toEqual([400, query.split("=")[0]]);
    }
  });
});

test("a file is its tenant's alone: another one neither sees, reads nor deletes it", async () => {
  const file = await one.client(one.owner).files.create({ file: fileOf("mine"), purpose: "batch" });
  const other = one.client(one.stranger);
  const tries = [
    async () => other.files.retrieve(file.id),
    async () => other.files.content(file.id),
    async () => other.files.delete(file.id),
    async () => other.files.list({ after: file.id }),
  ];
  for (const [at, asked] of tries.entries()) {
    await expect(asked()).rejects.toMatchObject({ status: at === tries.length - 1 ? 400 : 404 });
  }
  expect((await other.files.list()).data).toEqual([]);
  expect((await contentOf(one.owner, file.id)).toString()).toBe("mine");
});

/** A form as it stands, whatever it is. */
async function raw(body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}) {
  const response = await fetch(`${one.router.url}/v1/files`, {
    method: "POST",
    headers: { authorization: `Bearer ${one.owner}`, "content-type": "multipart/form-data; boundary=b", ...headers },
    body: typeof body === "string" ? body : body.slice(),
  });
  const { error } = (await response.json()) as { error?: { message: string; param: string | null; code: string } };
  return { status: response.status, param: error?.param, code: error?.code, message: error?.message };
}

const FILE = '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nx\r\n';
const field = (name: string, value: string): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

test.each([
  ["no form", '{"file":"x"}', { "content-type": "application/json" }, 415, undefined],
  ["a form without a boundary", FILE, { "content-type": "multipart/form-data" }, 415, undefined],
  ["a compressed form", FILE, { "content-encoding": "gzip" }, 415, undefined],
  ["no file", `${field("purpose", "batch")}--b--`, {}, 400, "file"],
  ["two files", `${FILE}${FILE}${field("purpose", "batch")}--b--`, {}, 400, "file"],
  ["no purpose", `${FILE}--b--`, {}, 400, "purpose"],
  ["a purpose that there is not", `${FILE}${field("purpose", "batch_output")}--b--`, {}, 400, "purpose"],
  [
    "an expiry without an anchor",
    `${FILE}${field("purpose", "batch")}${field("expires_after[seconds]", "3600")}--b--`,
    {},
    400,
    "expires_after",
  ],
  ["an end before its end", `${FILE}${field("purpose", "batch")}`, {}, 400, undefined],
  ["a delimiter that is none", "--bxx", {}, 400, undefined],
  ["a field that is too long", `${FILE}${field("purpose", "x".repeat(FIELD_BYTES_MAX + 1))}--b--`, {}, 400, "purpose"],
])("%s is refused, says why, and leaves nothing", async (_, body, headers, status, param) => {
  const before = (await one.client(one.owner).files.list()).data.length;
  const said = await raw(body, headers);
  expect([said.status, said.param ?? undefined], said.message).toEqual([status, param]);
  expect((await one.client(one.owner).files.list()).data).toHaveLength(before);
});

test("a long name of a file is cut at its bound", async () => {
  const file = await one.client(one.owner).files.create({
    file: fileOf("x", "n".repeat(FILENAME_CHARS_MAX + 1)),
    purpose: "batch",
  });
  expect(file.filename).toHaveLength(FILENAME_CHARS_MAX);
});

test("a file that says it is larger than the bound is refused before it is sent", async () => {
  const status = await new Promise((resolve, reject) => {
    const asked = request(`${one.router.url}/v1/files`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${one.owner}`,
        "content-type": "multipart/form-data; boundary=b",
        "content-length": String(FILE_BYTES_MAX + 1024 * 1024),
      },
    });
    asked.on("response", (answer) => {
      resolve(answer.statusCode);
      asked.destroy();
    });
    asked.on("error", reject);
    asked.write(FILE);
  });
  expect(status).toBe(413);
});

test("a client that leaves in the middle of its upload leaves no file", async () => {
  const before = (await one.client(one.owner).files.list()).data.length;
  await new Promise<void>((resolve) => {
    const asked = request(`${one.router.url}/v1/files`, {
      method: "POST",
      headers: { authorization: `Bearer ${one.owner}`, "content-type": "multipart/form-data; boundary=b" },
    });
    asked.on("error", () => resolve());
    asked.write(FILE.slice(0, -2) + "y".repeat(3_000_000), () => asked.destroy());
    asked.on("close", () => resolve());
  });
  expect((await one.client(one.owner).files.list()).data).toHaveLength(before);
});

test("HEAD tells of a file's content what GET does, without it", async () => {
  const file = await one.client(one.owner).files.create({ file: fileOf("some bytes"), purpose: "batch" });
  const said = await one.ask("HEAD", `/v1/files/${file.id}/content`, one.owner);
  expect([said.status, said.text, said.headers.get("x-content-type-options")]).toEqual([200, "", "nosniff"]);
});

test("files are there after the router was killed", async () => {
  const bytes = randomBytes(2_500_000);
  const file = await one.client(one.owner).files.create({ file: fileOf(bytes), purpose: "user_data" });
  await one.again();
  expect((await contentOf(one.owner, file.id)).equals(bytes)).toBe(true);
});

test("with a key for jobs neither names nor bytes of files are on the disk in the open, and without it they are kept", async () => {
  const secret = randomBytes(32).toString("base64");
  const jobs = { encryption: { secret: "JOBS_KEY" } };
  await one.again({ JOBS_KEY: secret }, { jobs });
  const word = `word-${randomBytes(8).toString("hex")}`;
  const file = await one.client(one.owner).files.create({ file: fileOf(word, `${word}.jsonl`), purpose: "batch" });
  expect((await contentOf(one.owner, file.id)).toString()).toBe(word);
  expect(onDisk(one.stateDir, [word])).toEqual([]);
  await one.again();
  await expect(one.client(one.owner).files.retrieve(file.id)).rejects.toMatchObject({
    status: 503,
    code: "misconfigured",
  });
  await one.again({ JOBS_KEY: secret }, { jobs });
  expect((await one.client(one.owner).files.retrieve(file.id)).filename).toBe(`${word}.jsonl`);
  await one.again();
});
