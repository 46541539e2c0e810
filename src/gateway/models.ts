/** The models that a key may use, as its client reads them: Anthropic's clients name the version of their API. */
import { ANTHROPIC_VERSION } from "../wire/headers.ts";
import { anthropicModel, anthropicPage, openaiList, openaiModel } from "../wire/model-list.ts";
import type { Answer } from "../wire/refusal.ts";
import { unknownModel } from "./admin/rare.ts";
import { answerJson } from "./edge-request.ts";
import type { Authenticated } from "./edge-request.ts";
import { modelFacts } from "./model-facts.ts";

/** `GET /v1/models`: every name that selects a pool, in the order of the config. */
export async function listModels(edge: Authenticated): Promise<Answer> {
  if (!isAnthropics(edge)) return answerJson(edge, await openaiModels(edge));
  const page = anthropicPage(await allModels(edge), edge.query);
  if (page.ok) return answerJson(edge, page.value);
  const { param, problem: detail } = page.error;
  return { reason: "invalid_request", param, detail };
}

export const openaiModels = async (edge: Authenticated) => openaiList(await allModels(edge));

/** `GET /v1/models/{id}`. */
export async function oneModel(edge: Authenticated, id: string): Promise<Answer> {
  const { config } = edge.runtime;
  const [model] = config.poolIdByModel.has(id) ? await modelFacts(edge, [id]) : [];
  if (model === undefined) return unknownModel(id, config);
  return answerJson(edge, isAnthropics(edge) ? anthropicModel(model) : openaiModel(model));
}

const allModels = async (edge: Authenticated) => modelFacts(edge, [...edge.runtime.config.poolIdByModel.keys()]);

const isAnthropics = ({ request }: Authenticated): boolean => request.headers.has(ANTHROPIC_VERSION);
