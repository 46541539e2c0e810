/**
 * The rails `azure-content-safety` and `azure-prompt-shields`: Azure AI Content Safety, version 2024-09-01 of its API.
 *
 * `POST {url}/contentsafety/text:analyze` takes one text of 10,000 characters and answers a severity of 0 to 7 for each
 * category; from the config's on it is a finding, and so is a match of a blocklist. `…/text:shieldPrompt` takes a prompt
 * and documents and answers for each whether it attacks; what the user says is the prompt, and tool results, system
 * prompts and tool definitions are documents. An answer without one of the judgements that were asked for is none.
 * Source: learn.microsoft.com/rest/api/contentsafety/text-operations (Analyze Text, Detect Text Jailbreak), and
 * learn.microsoft.com/azure/ai-services/content-safety/overview#input-requirements for the bounds.
 */
import { NOTHING_FOUND } from "../core/outside-answers.ts";
import type { OutsideAnswer } from "../core/outside-answers.ts";
import { piecesOf } from "../core/outside-texts.ts";
import { OUTSIDE_CALLS_MAX, postJson } from "./outside.ts";
import type { OutsideRail } from "./outside.ts";
import { isObject } from "../../lib/json-object.ts";

const API_VERSION = "2024-09-01";

/** Of a text, and of the prompt and the documents of one call. */
const AZURE_CHARS_MAX = 10_000;

/** Severity "medium" of the service's four steps. */
const SEVERITY_DEFAULT = 4;
const CATEGORIES = ["Hate", "SelfHarm", "Sexual", "Violence"];

export type AzureOptions = {
  /** Of the resource, without a path. */
  readonly url: string;
  /** Severity from which a category is a finding, by its name. */
  readonly categories?: Readonly<Record<string, number>> | undefined;
  readonly blocklists?: readonly string[] | undefined;
};

export function contentSafetyRail({ url, categories, blocklists }: AzureOptions, key: string): OutsideRail {
  const limits = categories ?? Object.fromEntries(CATEGORIES.map((category) => [category, SEVERITY_DEFAULT] as const));
  return async ({ input, signal }) => {
    for (const { text } of piecesOf(input.parts, AZURE_CHARS_MAX, OUTSIDE_CALLS_MAX)) {
      const question = {
        text,
        categories: Object.keys(limits),
        outputType: "EightSeverityLevels",
        ...(blocklists === undefined ? {} : { blocklistNames: blocklists, haltOnBlocklistHit: false }),
      };
      const found = harmsIn(await ask(url, "text:analyze", { key, question, signal }), limits);
      if (found.length > 0) return blocks(found);
    }
    return NOTHING_FOUND;
  };
}

function harmsIn(answer: unknown, limits: Readonly<Record<string, number>>): readonly string[] {
  if (!isObject(answer) || !Array.isArray(answer["categoriesAnalysis"])) throw new Error("there is no analysis");
  const said = answer["categoriesAnalysis"] as readonly unknown[];
  const harms = Object.entries(limits).filter(([category, limit]) => severityOf(said, category) >= limit);
  const { blocklistsMatch: listed } = answer;
  if (listed !== undefined && listed !== null && !Array.isArray(listed)) throw new Error("the matches are no list");
  return [...harms.map(([category]) => category), ...(Array.isArray(listed) && listed.length > 0 ? ["blocklist"] : [])];
}

function severityOf(said: readonly unknown[], category: string): number {
  const own = said.find((one) => isObject(one) && one["category"] === category);
  const severity = isObject(own) ? own["severity"] : undefined;
  if (typeof severity !== "number" || !Number.isInteger(severity) || severity < 0 || severity > 7)
    throw new Error("a category has no severity");
  return severity;
}

/** Texts that the user has not written. */
const DOCUMENT_ROLES: ReadonlySet<string> = new Set(["tool", "function", "system", "developer", "tool_definition"]);

export function promptShieldsRail({ url }: Pick<AzureOptions, "url">, key: string): OutsideRail {
  return async ({ input, signal }) => {
    const isDocument = ({ role }: { readonly role: string }): boolean => DOCUMENT_ROLES.has(role);
    const prompts = piecesOf(
      input.parts.filter((part) => !isDocument(part)),
      AZURE_CHARS_MAX,
      OUTSIDE_CALLS_MAX,
    );
    const documents = piecesOf(input.parts.filter(isDocument), AZURE_CHARS_MAX, OUTSIDE_CALLS_MAX);
    for (let at = 0; at < Math.max(prompts.length, documents.length); at += 1) {
      const [prompt, document] = [prompts[at]?.text, documents[at]?.text];
      const question = { userPrompt: prompt ?? "", documents: document === undefined ? [] : [document] };
      const answer = await ask(url, "text:shieldPrompt", { key, question, signal });
      const found = attacksIn(answer, prompt !== undefined, document !== undefined);
      if (found.length > 0) return blocks(found);
    }
    return NOTHING_FOUND;
  };
}

function attacksIn(answer: unknown, hasPrompt: boolean, hasDocument: boolean): readonly string[] {
  if (!isObject(answer)) throw new Error("there is no analysis");
  const documents = answer["documentsAnalysis"];
  const inDocument: unknown = Array.isArray(documents) ? documents[0] : null;
  return [
    ...(hasPrompt && isAttack(answer["userPromptAnalysis"]) ? ["prompt_attack"] : []),
    ...(hasDocument && isAttack(inDocument) ? ["document_attack"] : []),
  ];
}

function isAttack(analysis: unknown): boolean {
  const detected = isObject(analysis) ? analysis["attackDetected"] : undefined;
  if (typeof detected !== "boolean") throw new Error("a text was not judged");
  return detected;
}

type Question = { readonly key: string; readonly question: unknown; readonly signal: AbortSignal };

const ask = (url: string, operation: string, { key, question, signal }: Question): Promise<unknown> =>
  postJson(`${url.replace(/\/$/, "")}/contentsafety/${operation}?api-version=${API_VERSION}`, {
    headers: { "ocp-apim-subscription-key": key },
    body: JSON.stringify(question),
    signal,
  });

const blocks = (found: readonly string[]): OutsideAnswer => ({
  verdict: "block",
  findings: { spans: new Map(), reasons: found.map((name) => `azure:${name}`) },
});
