/** Which of OpenAI's generated tests apply, and what is known of those that fail. */
export type SdkGroup = {
  /** Below `tests/api_resources`. */
  readonly files: readonly string[];
  /** By method: why its tests fail, by what the router refuses and says so, or by the mock behind it. */
  readonly fails?: Readonly<Record<string, string>>;
};

export const SDK_GROUPS: Readonly<Record<string, SdkGroup>> = {
  chat: { files: ["chat"] },
  completions: { files: ["test_completions.py"] },
  embeddings: { files: ["test_embeddings.py"] },
  models: { files: ["test_models.py"] },
  responses: { files: ["test_responses.py", "responses"] },
  images: { files: ["test_images.py"] },
  audio: { files: ["audio/test_speech.py", "audio/test_transcriptions.py", "audio/test_translations.py"] },
  moderations: { files: ["test_moderations.py"] },
  files: { files: ["test_files.py"] },
  batches: { files: ["test_batches.py"] },
};
