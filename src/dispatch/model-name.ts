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
import { modelsIn, withModel } from "../wire/model-in-body.ts";
import { MODEL_CHARS_MAX } from "../wire/openai.ts";
import { readStart } from "../wire/read-body.ts";
import type { Answer, Refusal } from "../wire/refusal.ts";
import { isGonePage } from "./answer-format.ts";
import type { EdgeEndpoint } from "./runtime.ts";

/** A list of models, or the message of a 404, is far shorter. */
const ANSWER_BYTES_MAX = 65_536;

export type Refused = {
  readonly endpoint: EdgeEndpoint;
  /** As the client sent it. */
  readonly call: Call;
  /** As the endpoint got it. */
  readonly sent: Call;
  readonly learned: WeakMap<EdgeEndpoint, string>;
};

/** The call with `name` in place of the pool's names. */
export function named({ models }: EdgeEndpoint, call: Call, name: string): Call {
  return call.body === null ? call : { ...call, body: withModel(bytesOf(call.body), models, name) };
}

/** The answer under the name that the endpoint has for the model; `refusal` itself where that was not the trouble. */
export async function retryNamed(refused: Refused, refusal: Response): Promise<Answer> {
  const { endpoint, call, sent, learned } = refused;
  const asked = call.body === null ? [] : modelsIn(bytesOf(call.body));
  if (!asked.some(({ name }) => endpoint.models.has(name))) return refusal;
  if (isGonePage(refusal)) return refusal;
  const said = await readStart(refusal.body, ANSWER_BYTES_MAX);
  const same = new Response(said, { status: refusal.status, headers: refusal.headers });
  const text = new TextDecoder().decode(said);
  const refusedNames = sent.body === null ? [] : modelsIn(bytesOf(sent.body)).map(({ name }) => name);
  // A path that is not there is no unknown model, and may have its name in it.
  if (!refusedNames.some((name) => names(text, name))) return same;
  const name = await onlyModelOf(endpoint, call.signal);
  const { id } = endpoint.config;
  if (name === null || refusedNames.includes(name)) {
    learned.delete(endpoint);
    tellOnce(endpoint, `endpoint ${id} does not know its pool's model: write the name that it has as its "model"`);
    return unknownThere(asked[0]?.name ?? "");
  }
  learned.set(endpoint, name);
  tellOnce(endpoint, `endpoint ${id} knows its model as ${JSON.stringify(name)}: write it as its "model"`);
  return egress(endpoint.target, named(endpoint, call, name));
}

/** As a word of its own, and no piece of a path or of another name. */
function names(text: string, name: string): boolean {
  const literal = name.replaceAll(/[^A-Za-z0-9_]/g, String.raw`\$&`);
  return new RegExp(`(?<![\\w./:@-])${literal}(?![\\w/@-]|[.:]\\w)`).test(text);
}

/** In the words of who can mend it: the endpoint's own name no option that there is. */
function unknownThere(model: string): Refusal {
  const detail = `The pool's endpoint does not know the model "${model}". The operator writes the name that it has as endpoints[].model.`;
  return { reason: "unknown_model", param: "model", detail };
}

const told = new WeakSet<EdgeEndpoint>();

/** Every request meets the same; the operator needs to read it once. */
function tellOnce(endpoint: EdgeEndpoint, line: string): void {
  if (told.has(endpoint)) return;
  told.add(endpoint);
  console.warn(line);
}

/** Null: it lists none, or several. */
async function onlyModelOf({ target }: EdgeEndpoint, signal: AbortSignal): Promise<string | null> {
  const response = await egress(target, { method: "GET", path: "/v1/models", headers: {}, body: null, signal });
  const bytes = await readStart(response.body, ANSWER_BYTES_MAX);
  if (response.status !== 200) return null;
  try {
    const { data } = JSON.parse(new TextDecoder().decode(bytes)) as { data: readonly Listed[] };
    // vLLM lists an adapter with its `parent`, and a second name of a model with the same `root`.
    const models = data.filter(({ parent = null }) => parent === null);
    const roots = new Set(models.map(({ id, root = id }) => root));
    const [first] = models;
    const isName = typeof first?.id === "string" && first.id !== "" && first.id.length <= MODEL_CHARS_MAX;
    return roots.size === 1 && isName ? first.id : null;
  } catch {
    return null;
  }
}

type Listed = { readonly id?: unknown; readonly root?: unknown; readonly parent?: unknown };

const bytesOf = (body: ArrayBuffer | Uint8Array): Uint8Array =>
  body instanceof Uint8Array ? body : new Uint8Array(body);
