/**
 * The protocols that can be told in chat completions, as one table: what is asked, and how what comes back is told.
 *
 * Rejected: a common form in the middle, into which and out of which everything is told. Chat completions are that form: it is what
 * every engine speaks.
 */
import { ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import type { ChatError } from "./chat-answer.ts";
import { isObject } from "../../lib/json-object.ts";
import { listOf, objectOf } from "./json.ts";
import type { JsonObject } from "../../lib/json-object.ts";
import type { Untold } from "./members.ts";
import { chatToMessage, messageError } from "./messages-answer.ts";
import { messagesToChat } from "./messages-request.ts";
import type { ChatRequest } from "./messages-request.ts";
import { messagesStream } from "./messages-stream.ts";
import { chatToResponse, responsesError, responsesGiven } from "./responses-answer.ts";
import { responsesToChat } from "./responses-request.ts";
import { responsesStream } from "./responses-stream.ts";
import type { StreamTranslator } from "./stream-port.ts";

/** `count`: of a message's tokens. */
export type Spoken = "responses" | "messages" | "count";

/** How the answer to one request is told back. */
export type Back = {
  /** A whole answer; null: it is none. */
  readonly whole: (value: unknown) => object | null;
  readonly stream: () => StreamTranslator;
};

export type Translation = {
  /** Where it is asked. */
  readonly path: string;
  readonly ask: (body: JsonObject) => Result<ChatRequest, Untold>;
  /** `body`: of the client; `asked`: what it became. */
  readonly back: (body: JsonObject, asked: JsonObject) => Back;
  readonly error: (error: ChatError) => object;
};

const CHAT = "/v1/chat/completions";

const hasChoice = (value: unknown): boolean => isObject(listOf(objectOf(value)["choices"])[0]);

export const TRANSLATIONS: Readonly<Record<Spoken, Translation>> = {
  messages: {
    path: CHAT,
    ask: messagesToChat,
    back: (_, asked) => ({
      whole: (value) => (hasChoice(value) ? chatToMessage(value) : null),
      stream: () => messagesStream(tokensThought(asked)),
    }),
    error: messageError,
  },
  responses: {
    path: CHAT,
    ask: responsesToChat,
    back: (body) => {
      const given = responsesGiven(body);
      return {
        whole: (value) => (hasChoice(value) ? chatToResponse(value, given) : null),
        stream: () => responsesStream(given),
      };
    },
    error: responsesError,
  },
  count: {
    // vLLM's: it counts what its template makes of the messages.
    path: "/tokenize",
    ask(body) {
      const told = messagesToChat(body);
      if (!told.ok) return told;
      const { model, messages, tools } = told.value.body;
      const asked = { model, messages, add_generation_prompt: true, ...(tools === undefined ? {} : { tools }) };
      return ok({ body: asked, dropped: told.value.dropped });
    },
    back: () => ({
      whole(value) {
        const { count } = objectOf(value);
        return typeof count === "number" ? { input_tokens: count } : null;
      },
      stream: () => NO_STREAM,
    }),
    error: messageError,
  },
};

const NO_STREAM: StreamTranslator = { take: () => "", end: () => "" };

/** English text under common tokenizers. */
const CHARS_PER_TOKEN = 4;

/** Of pictures nobody here can say it; of the rest about, until the engine has counted. */
function tokensThought({ messages, tools }: JsonObject): number {
  const chars = listOf(messages).reduce<number>((sum, message) => sum + charsIn(objectOf(message)["content"]), 0);
  return Math.ceil((chars + (tools === undefined ? 0 : JSON.stringify(tools).length)) / CHARS_PER_TOKEN);
}

function charsIn(content: unknown): number {
  if (typeof content === "string") return content.length;
  return listOf(content).reduce<number>((sum, part) => {
    const { text } = objectOf(part);
    return sum + (typeof text === "string" ? text.length : 0);
  }, 0);
}
