/**
 * Makes the router's OpenAPI 3.1 document: the routes are those of the reference, the schemas are zod's.
 *
 * Model. A pure function of the tables: the same for every deployment, because names of pools and models are for who has
 * a key. Paths with any number of segments are written with one parameter, as OpenAPI has no other word, and say so.
 * Source: OpenAPI Specification 3.1.1. Rejected: a document for each deployment, which would tell strangers its pools;
 * and a list of statuses for each operation: every refusal has one form, and the reference of errors has the table.
 */
import * as z from "zod";
import { errorFormOf } from "../../src/gateway/error-form.ts";
import type { ErrorForm } from "../../src/wire/error-forms.ts";
import { ROUTE_GROUPS } from "../reference/routes-table.ts";
import type { ServedRoute } from "../reference/routes-table.ts";
import { ANSWERS } from "./answers.ts";
import { BODIES } from "./bodies.ts";
import { OPERATIONS } from "./operations.ts";
import type { Answer, Told } from "./operations.ts";

type Schema = Readonly<Record<string, unknown>>;
export type Operation = {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly parameters?: readonly Schema[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, Schema>> };
  readonly responses: Readonly<Record<string, Schema>>;
  readonly security?: readonly Schema[];
};
export type OpenApiDocument = {
  readonly openapi: "3.1.1";
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Schema & { readonly schemas: Readonly<Record<string, Schema>> };
  readonly [member: string]: unknown;
};

/** Of a route that takes any. HEAD and OPTIONS go without saying. */
const ANY = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
const WILD = /\{(\w+)…\}/;

const DESCRIPTION = `One API in front of GPU endpoints: OpenAI's for answers at once, Runpod's and a plain one for jobs, and one for operators. A key is sent as a bearer token, \`x-api-key\` or \`api-key\`; its scopes are in the description of each operation. Every error has the form of \`Error\`, below \`/v2\` that of \`RunpodError\`, on Anthropic's paths that of \`AnthropicError\`. GET answers HEAD too, where looking changes nothing.`;

/** `version`: of the router. */
export function openApiDocument(version: string): OpenApiDocument {
  const paths = pathsOf();
  const schemas = { ...componentsOf(BODIES, "input"), ...componentsOf(ANSWERS, "output") };
  const responses = usedBy([paths], "responses", errorResponses());
  return {
    openapi: "3.1.1",
    info: { title: "Warmpath", version, description: DESCRIPTION, license: { name: "MIT", identifier: "MIT" } },
    servers: [{ url: "/", description: "This router." }],
    security: [{ bearer: [] }, { xApiKey: [] }, { apiKey: [] }],
    tags: Object.keys(ROUTE_GROUPS).map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        xApiKey: { type: "apiKey", in: "header", name: "x-api-key" },
        apiKey: { type: "apiKey", in: "header", name: "api-key" },
      },
      responses,
      schemas: usedBy([paths, responses, schemas], "schemas", schemas),
    },
  };
}

const ERROR_COMPONENTS = {
  openai: { response: "Error", schema: "Error" },
  runpod: { response: "RunpodError", schema: "RunpodError" },
  anthropic: { response: "AnthropicError", schema: "AnthropicError" },
} as const satisfies Readonly<Record<ErrorForm, object>>;

const errorResponses = (): Record<string, Schema> =>
  Object.fromEntries(
    Object.entries(ERROR_COMPONENTS).map(([form, { response, schema }]) => [
      response,
      {
        description: `An error, in the form that clients of ${form} read.`,
        content: contentOf({ "application/json": schema }),
      },
    ]),
  );

/** Of `components` those that something refers to. */
function usedBy(users: readonly unknown[], kind: string, components: Record<string, Schema>): Record<string, Schema> {
  const text = JSON.stringify(users);
  const isUsed = (name: string): boolean => text.includes(`"#/components/${kind}/${name}"`);
  return Object.fromEntries(Object.entries(components).filter(([name]) => isUsed(name)));
}

function pathsOf(): OpenApiDocument["paths"] {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const [group, routes] of Object.entries(ROUTE_GROUPS)) {
    for (const route of routes) {
      const path = route.path.replace(WILD, "{$1}");
      const methods = route.method === "ANY" ? ANY : [route.method];
      for (const method of methods) (paths[path] ??= {})[method.toLowerCase()] = operationOf(group, route, method);
    }
  }
  return paths;
}

function operationOf(group: string, route: ServedRoute, method: string): Operation {
  const told = OPERATIONS[`${route.method} ${route.path}`] ?? {};
  const parameters = [...pathParameters(route.path), ...queryParameters(told)];
  const scope = route.scope === null ? "Needs no key." : `Needs a key with the scope \`${route.scope}\`.`;
  const body = bodyOf(route, method, told);
  return {
    operationId: operationId(method, route.path),
    tags: [group],
    summary: summaryOf(route.does),
    description: `${plainText(route.does)} ${scope}`,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: responsesOf(route, told),
    ...(route.scope === null ? { security: [] } : {}),
  };
}

const operationId = (method: string, path: string): string =>
  [method.toLowerCase(), ...path.split(/[^A-Za-z0-9]+/).filter((word) => word !== "")]
    .map((word, at) => (at === 0 ? word : word[0]?.toUpperCase() + word.slice(1)))
    .join("");

/** Links of the pages lead nowhere from here. */
const plainText = (does: string): string => does.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, "$1");
const summaryOf = (does: string): string => plainText(does).split(/[;:]|\. |\.$/)[0] ?? "";

function pathParameters(path: string): Schema[] {
  return [...path.matchAll(/\{(\w+)(…?)\}/g)].map(([, name = "", wild]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string", minLength: 1 },
    ...(wild === "" ? {} : { description: "Any number of segments: its slashes may be sent as they are." }),
  }));
}

const queryParameters = ({ query = {} }: Told): Schema[] =>
  Object.entries(query).map(([name, description]) => ({ name, in: "query", description, schema: { type: "string" } }));

function bodyOf({ method: told }: ServedRoute, method: string, { body, form }: Told): Operation["requestBody"] {
  if (form !== undefined) {
    const properties = Object.entries(form.fields).map(([name, description]) => {
      const type = name === "file" ? { contentMediaType: "application/octet-stream" } : { type: "string" };
      return [name, { ...type, description }] as const;
    });
    const schema = { type: "object", properties: Object.fromEntries(properties), required: form.required };
    return { required: true, content: { "multipart/form-data": { schema } } };
  }
  if (body !== undefined) {
    const { schema, example, isOptional = false, isForm = false } = body;
    const type = isForm ? "multipart/form-data" : "application/json";
    return { required: !isOptional, content: { [type]: { schema: refTo(schema), example } } };
  }
  if (told !== "ANY" || method === "GET" || method === "DELETE") return undefined;
  return { required: false, content: { "*/*": {} } };
}

function responsesOf(route: ServedRoute, { answers = DEFAULT_ANSWERS }: Told): Operation["responses"] {
  // The pool of the example is nobody's.
  const form = errorFormOf(route.path.replaceAll(/\{(\w+)…?\}/g, "$1"), null);
  const failed = { $ref: `#/components/responses/${ERROR_COMPONENTS[form].response}` };
  const shown = Object.entries(route.method === "ANY" ? ENDPOINTS_ANSWERS : answers);
  return {
    ...Object.fromEntries(shown.map(([status, answer]) => [status, answerOf(answer)])),
    "4XX": failed,
    "5XX": failed,
  };
}

const DEFAULT_ANSWERS = {
  200: { says: "Done, or what there is.", content: { "application/json": "Anything" } },
} as const;
const ENDPOINTS_ANSWERS = { default: { says: "What the endpoint answers.", content: { "*/*": "text" } } } as const;

const answerOf = ({ says, content }: Answer): Schema => ({
  description: says,
  ...(content === undefined ? {} : { content: contentOf(content) }),
});

const contentOf = (content: NonNullable<Answer["content"]>): Schema =>
  Object.fromEntries(
    Object.entries(content).map(([type, name]) => [
      type,
      // Of any type, nothing is known.
      type === "*/*" ? {} : { schema: name === "text" ? { type: "string" } : refTo(name) },
    ]),
  );

const refTo = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

/** `io`: what may be sent leaves out what has a default; what is answered has it. */
function componentsOf(named: Readonly<Record<string, z.ZodType>>, io: "input" | "output"): Record<string, Schema> {
  const registry = z.registry<{ readonly id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const made = z.toJSONSchema(registry, { io, uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(
    Object.entries(made.schemas).map(([id, { $schema: _draft, $id: _own, ...schema }]) => [id, schema]),
  );
}
