/**
 * Puts an endpoint's own name of the model into a request, and finds it out where the config does not say it.
 *
 * Model. A pool serves one model, so an endpoint that does not know the pool's name for it, and lists exactly
 * one model, means that one. It is asked once, when it has answered 404 with the name in its message, and the
 * request is sent again there under the name that it listed: a request for an unknown model ran nowhere. The
 * name is kept by the isolate, and asked for again when it is refused too. A name that is none of the pool's is
 * the client's own choice (an adapter of the model, say) and stays. Where the name stays unknown, the client is
 * told what its operator has to write.
 * Rejected: asking with each probe, for what only few endpoints need; guessing among several models.
 */
import { egress } from "../../backends/egress.ts";
import type { Call } from "../../backends/port.ts";
import { fieldsOf, withFields } from "../wire/form-fields.ts";
import { boundaryOf, createFormScan, scan } from "../wire/form-scan.ts";
import type { FormPart } from "../wire/form-scan.ts";
import { modelsIn, withModel } from "../wire/model-in-body.ts";
import { LIST_BYTES_MAX, listedModels, onlyModel } from "../wire/listed-models.ts";
import { readStart } from "../wire/read-body.ts";
import type { Refusal } from "../wire/refusal.ts";
import { isGonePage } from "./answer-format.ts";
import type { Said } from "./outgoing.ts";
import type { EdgeEndpoint } from "./runtime.ts";

/** The message of a 404 is far shorter. */
const ANSWER_BYTES_MAX = 65_536;

/** `asked`: the client's name of the model, where another one is sent and the answer is to say it; null: as it came. */
export type Named = { readonly call: Call; readonly asked: string | null };

type Refused = {
  readonly endpoint: EdgeEndpoint;
  /** As the client sent it. */
  readonly call: Call;
  /** As the endpoint got it. */
  readonly sent: Named;
  readonly learned: WeakMap<EdgeEndpoint, string>;
};

/** The call with the endpoint's names in place of the pool's. `learned`: of those that the config does not name. */
export function named({ models, names, tellsAsked }: EdgeEndpoint, call: Call, learned?: string): Named {
  if (call.body === null) return { call, asked: null };
  const nameOf = (name: string): string | undefined => names.get(name) ?? (models.has(name) ? learned : undefined);
  const form = formIn(call);
  // What is answered to a form names no model.
  if (form !== null) return { call: { ...call, body: withFormModel(bytesOf(call.body), form, nameOf) }, asked: null };
  const { body, asked } = withModel(bytesOf(call.body), nameOf);
  if (body === call.body || asked === null || !tellsAsked) return { call: { ...call, body }, asked: null };
  // An answer that is to be changed must not be compressed.
  return { call: { ...call, body, headers: { ...call.headers, "accept-encoding": "identity" } }, asked };
}

/** The answer under the name that the endpoint has for the model; `refusal` itself where that was not the trouble. */
export async function retryNamed(refused: Refused, refusal: Response): Promise<Omit<Said, "protocol">> {
  const { endpoint, call, sent, learned } = refused;
  const asked = modelsOf(call);
  const isLearnable = asked.some(({ name }) => endpoint.models.has(name) && !endpoint.names.has(name));
  if (!isLearnable || isGonePage(refusal)) return { answer: refusal, asked: sent.asked };
  const said = await readStart(refusal.body, ANSWER_BYTES_MAX);
  const same = new Response(said, { status: refusal.status, headers: refusal.headers });
  const text = new TextDecoder().decode(said);
  const refusedNames = modelsOf(sent.call).map(({ name }) => name);
  // A path that is not there is no unknown model, and may have its name in it.
  if (!refusedNames.some((name) => isWordIn(text, name))) return { answer: same, asked: sent.asked };
  const name = await onlyModelOf(endpoint, call.signal);
  const { id } = endpoint.config;
  if (name === null || refusedNames.includes(name)) {
    learned.delete(endpoint);
    tellOnce(endpoint, `endpoint ${id} does not know its pool's model: write the name that it has as its "model"`);
    return { answer: unknownThere(asked[0]?.name ?? ""), asked: null };
  }
  learned.set(endpoint, name);
  tellOnce(endpoint, `endpoint ${id} knows its model as ${JSON.stringify(name)}: write it as its "model"`);
  const anew = named(endpoint, call, name);
  return { answer: await egress(endpoint.target, anew.call), asked: anew.asked };
}

function modelsOf(call: Call): readonly { readonly name: string }[] {
  if (call.body === null) return [];
  const form = formIn(call);
  if (form === null) return modelsIn(bytesOf(call.body));
  const { model } = fieldsOf(form);
  return typeof model === "string" ? [{ name: model }] : [];
}

/** The parts of a form, as far as it is here; null: it is none. */
function formIn({ headers, body }: Call): readonly FormPart[] | null {
  const boundary = boundaryOf(headers["content-type"] ?? null);
  if (boundary === null || body === null) return null;
  const form = createFormScan(boundary);
  return scan(form, bytesOf(body)) === null ? form.parts : [];
}

function withFormModel(
  body: Uint8Array,
  form: readonly FormPart[],
  nameOf: (name: string) => string | undefined,
): Uint8Array {
  const fields = fieldsOf(form);
  const { model } = fields;
  const name = typeof model === "string" ? nameOf(model) : undefined;
  return name === undefined ? body : (withFields(body, form, { ...fields, model: name }) ?? body);
}

/** As a word of its own, and no piece of a path or of another name. */
function isWordIn(text: string, name: string): boolean {
  const literal = name.replaceAll(/[^A-Za-z0-9_]/g, String.raw`\$&`);
  return new RegExp(`(?<![\\w./:@-])${literal}(?![\\w/@-]|[.:]\\w)`).test(text);
}

/** In the words of who can mend it: the endpoint's own name no option that there is. */
function unknownThere(model: string): Refusal {
  const detail = `The pool's endpoint does not know the model "${model}". The operator writes the name that it has as endpoints[].model.`;
  return { reason: "unknown_model", param: "model", detail };
}

const complained = new WeakSet<EdgeEndpoint>();

/** Every request meets the same; the operator needs to read it once. */
function tellOnce(endpoint: EdgeEndpoint, line: string): void {
  if (complained.has(endpoint)) return;
  complained.add(endpoint);
  console.warn(line);
}

/** Null: it lists none, or several. */
async function onlyModelOf({ target }: EdgeEndpoint, signal: AbortSignal): Promise<string | null> {
  const response = await egress(target, { method: "GET", path: "/v1/models", headers: {}, body: null, signal });
  const bytes = await readStart(response.body, LIST_BYTES_MAX);
  if (response.status !== 200) return null;
  return onlyModel(listedModels(new TextDecoder().decode(bytes), 0) ?? [])?.id ?? null;
}

const bytesOf = (body: ArrayBuffer | Uint8Array): Uint8Array =>
  body instanceof Uint8Array ? body : new Uint8Array(body);
