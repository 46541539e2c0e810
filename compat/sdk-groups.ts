/** Which of OpenAI's generated tests apply, and what is known of those that fail. */
export type SdkGroup = {
  /** Below `tests/api_resources`. */
  readonly files: readonly string[];
  /** By method: why its tests fail, by what the router refuses and says so, or by the mock behind it. */
  readonly fails?: Readonly<Record<string, string>>;
};

const KEPT_CHATS =
  "404 or 405: chat completions that are kept (`store`) are OpenAI's own; an engine keeps none, and nor does the router";
const NO_SUCH_RESPONSE =
  "404: the test asks for an id that OpenAI once gave; here a response is found by the id that this router gave, and by nobody else's (decision 0034)";
const NO_SUCH_FILE =
  "404: the test asks for `file_id`, which was never uploaded; files have the ids that the router gave";
const NO_SUCH_BATCH = "404: the test asks for a batch that was never made";
const UNNAMED =
  "400: tests that name no model. OpenAI has one by default; the router chooses the pool by `model`, and there may be many";

export const SDK_GROUPS: Readonly<Record<string, SdkGroup>> = {
  chat: {
    files: ["chat"],
    fails: { list: KEPT_CHATS, retrieve: KEPT_CHATS, update: KEPT_CHATS, delete: KEPT_CHATS },
  },
  completions: { files: ["test_completions.py"] },
  embeddings: { files: ["test_embeddings.py"] },
  models: {
    files: ["test_models.py"],
    fails: { delete: "404: models are those of the config; a client deletes none" },
  },
  responses: {
    files: ["test_responses.py", "responses"],
    fails: {
      create: `${UNNAMED}. Those that name \`previous_response_id\` beside it: ${NO_SUCH_RESPONSE}`,
      retrieve: NO_SUCH_RESPONSE,
      delete: NO_SUCH_RESPONSE,
      cancel: NO_SUCH_RESPONSE,
      list: NO_SUCH_RESPONSE,
      compact: "404: OpenAI compacts conversations that it keeps; no engine does",
      count: "404: OpenAI's count of a response's tokens; engines have `/tokenize`, which the router serves",
    },
  },
  images: {
    files: ["test_images.py"],
    fails: {
      generate: UNNAMED,
      edit: UNNAMED,
      create_variation: UNNAMED,
    },
  },
  audio: {
    files: ["audio/test_speech.py", "audio/test_transcriptions.py", "audio/test_translations.py"],
    fails: {
      create:
        "400 of the mock: its document of May 2026 does not know `keywords`, which the package sends. The router passes it on",
    },
  },
  moderations: { files: ["test_moderations.py"], fails: { create: UNNAMED } },
  files: {
    files: ["test_files.py"],
    fails: {
      retrieve: NO_SUCH_FILE,
      retrieve_content: NO_SUCH_FILE,
      delete: NO_SUCH_FILE,
      list: "400: `limit` is 0 in the test; OpenAI's own document has 1 to 10,000",
    },
  },
  batches: {
    files: ["test_batches.py"],
    fails: {
      create: NO_SUCH_FILE.replace("404", "400"),
      retrieve: NO_SUCH_BATCH,
      cancel: NO_SUCH_BATCH,
      list: "400: `limit` is 0 in the test; OpenAI's own document has 1 to 100",
    },
  },
};
