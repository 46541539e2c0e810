import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Validator } from "@cfworker/json-schema";
import { afterAll, describe, expect, test } from "vitest";
import { openApiDocument } from "../../../tools/openapi/document.ts";
import type { OpenApiDocument, Operation } from "../../../tools/openapi/document.ts";
import { openApiText } from "../../../tools/openapi/main.ts";
import { OPERATIONS } from "../../../tools/openapi/operations.ts";
import { ROUTES_SERVED } from "../../../tools/reference/routes-table.ts";

const document = openApiDocument("1.2.3");
const operations: readonly (readonly [name: string, operation: Operation])[] = Object.entries(document.paths).flatMap(
  ([path, methods]) => Object.entries(methods).map(([method, one]) => [`${method} ${path}`, one] as const),
);

const dir = mkdtempSync(join(tmpdir(), "warmpath-openapi-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** What is wrong with it in the eyes of a linter that nobody here has written. */
function lint(text: string): readonly string[] {
  const file = join(dir, "openapi.json");
  writeFileSync(file, text);
  const cli = join(import.meta.dirname, "../../../node_modules/@redocly/cli/bin/cli.js");
  // A group's name says what a tag is, and the answer to a WebSocket is 101.
  const rules = ["tag-description", "operation-2xx-response"].map((rule) => `--skip-rule=${rule}`);
  const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
  const run = spawnSync(process.execPath, [cli, "lint", file, "--format=json", ...rules], { cwd: dir, env });
  const { problems } = JSON.parse(run.stdout.toString()) as {
    readonly problems: readonly {
      readonly ruleId: string;
      readonly message: string;
      readonly location: readonly { readonly pointer?: string }[];
    }[];
  };
  return problems.map(({ ruleId, message, location: [at] }) => `${ruleId} ${at?.pointer}: ${message}`);
}

describe("the OpenAPI document", () => {
  test("is one that a linter has nothing to say to", () => {
    expect(lint(openApiText())).toEqual([]);
  });

  test("is read by that linter: one that is wrong is found", () => {
    const broken = structuredClone(document) as { paths: Record<string, Record<string, { operationId: string }>> };
    const chat = broken.paths["/v1/chat/completions"]?.["post"];
    if (chat !== undefined) chat.operationId = "getV1Models";
    expect(lint(JSON.stringify(broken)).join("\n")).toContain("operation-operationId-unique");
  });

  test("has every route of the reference, and no other", () => {
    const told = new Set(
      ROUTES_SERVED.flatMap(({ method, path }) => {
        const methods = method === "ANY" ? ["get", "post", "put", "patch", "delete"] : [method.toLowerCase()];
        return methods.map((one) => `${one} ${path.replace("…}", "}")}`);
      }),
    );
    expect(new Set(operations.map(([name]) => name))).toEqual(told);
  });

  test("says more of no route that there is not", () => {
    const routes = new Set(ROUTES_SERVED.map(({ method, path }) => `${method} ${path}`));
    expect(Object.keys(OPERATIONS).filter((name) => !routes.has(name))).toEqual([]);
  });

  test("asks for a key exactly where the reference does", () => {
    const open = operations.filter(([, { security }]) => security?.length === 0).map(([name]) => name);
    const told = ROUTES_SERVED.filter(({ scope }) => scope === null);
    expect(open).toEqual(told.map(({ method, path }) => `${method.toLowerCase()} ${path}`));
  });

  test("refuses in the form that the clients of a path read", () => {
    const formOf = (path: string, method: string) => document.paths[path]?.[method]?.responses["4XX"];
    expect(formOf("/v1/chat/completions", "post")).toEqual({ $ref: "#/components/responses/Error" });
    expect(formOf("/v2/{pool}/run", "post")).toEqual({ $ref: "#/components/responses/RunpodError" });
    expect(formOf("/v2/{pool}/openai/{path}", "post")).toEqual({ $ref: "#/components/responses/Error" });
  });

  test.each(examplesOf(document))("the example of %s is what its schema says", (_, schema, example) => {
    const { valid, errors } = validatorOf(schema).validate(example);
    expect({ valid, errors }).toEqual({ valid: true, errors: [] });
  });

  test.each([
    ["a chat without a model", "ChatRequest", { messages: [] }, false],
    ["a chat with members of an engine", "ChatRequest", { model: "m", messages: [], top_k: 4 }, true],
    ["a limit as a text of digits", "ChatRequest", { model: "m", messages: [], max_tokens: "64" }, true],
    ["a limit in words", "ChatRequest", { model: "m", messages: [], max_tokens: "many" }, false],
    ["a key with a member that there is not", "NewKey", { tenant: "acme", tennant: "acme" }, false],
    ["a key with its tenant alone", "NewKey", { tenant: "acme" }, true],
  ])("%s is judged by its schema", (_, name, value, valid) => {
    expect(validatorOf({ $ref: `#/components/schemas/${name}` }).validate(value).valid).toBe(valid);
  });
});

type Example = readonly [name: string, schema: Readonly<Record<string, unknown>>, example: unknown];

function examplesOf({ paths }: OpenApiDocument): readonly Example[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { requestBody }]) => {
      const { schema, example } = requestBody?.content["application/json"] ?? {};
      return example === undefined ? [] : [[`${method} ${path}`, schema as Example[1], example] as const];
    }),
  );
}

function validatorOf(schema: Readonly<Record<string, unknown>>): Validator {
  return new Validator({ ...schema, components: document.components }, "2020-12", false);
}
