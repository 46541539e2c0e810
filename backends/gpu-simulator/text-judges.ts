/**
 * What a simulated model says of texts without writing any: flagged or not, how near two of them are, their tokens.
 *
 * A text is flagged for one word, two are near by the words that they share, and a token is four bytes of UTF-8: enough to
 * see that a router has brought the right text. Null: the body has not what it takes.
 */
import * as z from "zod";
import { countTokens } from "./generation.ts";

type Fields = Readonly<Record<string, unknown>>;

const CATEGORIES = ["harassment", "hate", "self-harm", "sexual", "violence"] as const;
/** Is violence. */
const FLAGGED = /\bkill\b/i;

const texts = z.union([z.string(), z.array(z.string()).min(1)]);
const parts = z.array(z.looseObject({ type: z.string(), text: z.string().optional() })).min(1);

const each = (value: string | readonly string[]): readonly string[] => (typeof value === "string" ? [value] : value);

/** OpenAI's moderations. */
export function judged(model: string, { input }: Fields): unknown {
  const read = z.union([texts, parts]).safeParse(input);
  if (!read.success) return null;
  const { data } = read;
  const inputs =
    typeof data === "string" ? [data] : data.map((item) => (typeof item === "string" ? item : (item.text ?? "")));
  const results = inputs.map((item) => {
    const flagged = FLAGGED.test(item);
    const by = <Value>(value: (name: string) => Value) =>
      Object.fromEntries(CATEGORIES.map((name) => [name, value(name)]));
    return {
      flagged,
      categories: by((name) => flagged && name === "violence"),
      category_scores: by((name) => (flagged && name === "violence" ? 0.9 : 0.001)),
      category_applied_input_types: by(() => ["text"]),
    };
  });
  return { id: "modr-sim", model, results };
}

const wordsOf = (text: string): ReadonlySet<string> => new Set(text.toLowerCase().match(/[a-z0-9]+/g) ?? []);

/** Share of words, 0 to 1. */
function nearness(one: string, other: string): number {
  const [first, second] = [wordsOf(one), wordsOf(other)];
  const both = [...first].filter((word) => second.has(word)).length;
  return both / Math.max(1, first.size + second.size - both);
}

const rerank = z.looseObject({
  query: z.string(),
  documents: z.array(z.union([z.string(), z.looseObject({ text: z.string() })])).min(1),
  top_n: z.int().min(0).nullish(),
});

/** As vLLM answers Cohere's and Jina's clients. */
export function ranked(model: string, fields: Fields): unknown {
  const read = rerank.safeParse(fields);
  if (!read.success) return null;
  const { query, documents, top_n: most } = read.data;
  const found = documents.map((document, index) => {
    const text = typeof document === "string" ? document : document.text;
    return { index, document: { text }, relevance_score: nearness(query, text) };
  });
  const results = found.toSorted((one, other) => other.relevance_score - one.relevance_score);
  const total = found.reduce((sum, { document }) => sum + countTokens(query + document.text), 0);
  return { id: "rerank-sim", model, usage: { total_tokens: total }, results: results.slice(0, most || results.length) };
}

const score = z.looseObject({ text_1: texts, text_2: texts });

/** vLLM's score: one text with many, or pairs. */
export function scored(model: string, fields: Fields): unknown {
  const read = score.safeParse({ text_1: fields["queries"], text_2: fields["documents"], ...fields });
  if (!read.success) return null;
  const [ones, others] = [each(read.data.text_1), each(read.data.text_2)];
  if (ones.length !== 1 && ones.length !== others.length) return null;
  const data = others.map((other, index) => ({
    index,
    object: "score",
    score: nearness(ones[ones.length === 1 ? 0 : index] ?? "", other),
  }));
  const tokens = countTokens([...ones, ...others].join(""));
  return {
    id: "score-sim",
    object: "list",
    created: 0,
    model,
    data,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

const BYTES_PER_TOKEN = 4;
/** Above the four bytes: how many of them there are. */
const LENGTHS = 2 ** 32;

const tokenize = z.union([
  z.looseObject({ prompt: z.string() }),
  z.looseObject({ messages: z.array(z.looseObject({ content: z.union([z.string(), parts]).nullish() })).min(1) }),
]);

/** vLLM's tokenize, of a prompt or a chat. */
export function tokenIds(fields: Fields, contextTokensMax: number): unknown {
  const read = tokenize.safeParse(fields);
  if (!read.success) return null;
  const { data } = read;
  const text = "prompt" in data && typeof data.prompt === "string" ? data.prompt : chatText(data);
  const bytes = Buffer.from(text);
  const tokens = Array.from({ length: Math.ceil(bytes.length / BYTES_PER_TOKEN) }, (_, at) => {
    const some = bytes.subarray(at * BYTES_PER_TOKEN, (at + 1) * BYTES_PER_TOKEN);
    return some.length * LENGTHS + some.reduce((sum, byte) => sum * 256 + byte, 0);
  });
  return { count: Math.max(1, tokens.length), max_model_len: contextTokensMax, tokens, token_strs: null };
}

function chatText(data: z.output<typeof tokenize>): string {
  const messages = Array.isArray(data["messages"])
    ? (data["messages"] as readonly { readonly content?: unknown }[])
    : [];
  return messages
    .map(({ content }) =>
      typeof content === "string"
        ? content
        : ((content ?? []) as readonly { readonly text?: string }[]).map((part) => part.text ?? "").join(""),
    )
    .join("");
}

/** The other way. */
export function tokensText({ tokens }: Fields): unknown {
  const read = z.array(z.int().min(0)).safeParse(tokens);
  if (!read.success) return null;
  const bytes = read.data.flatMap((token) => {
    const length = Math.min(BYTES_PER_TOKEN, Math.floor(token / LENGTHS));
    return Array.from({ length }, (_, at) => Math.floor((token % LENGTHS) / 256 ** (length - 1 - at)) % 256);
  });
  return { prompt: Buffer.from(bytes).toString("utf8") };
}
