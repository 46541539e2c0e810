/** What is tried of each client, in the words of the matrix. */

/** In the order in which they are tried: a client that does not close what it leaves must not spoil what comes after. */
export const FEATURES = {
  plain: "an answer as one piece",
  stream: "a stream, in more than one piece, and the whole text",
  tools: "two calls of a tool at once; their results go back, each under its call, and are answered",
  structured: "an answer in the form of a JSON schema, as the client's own value",
  vision: "a picture by data URL: the engine has every byte of it",
  cut: "a stream with an error, one that ends too early and one whose connection breaks: each is raised",
  refused: "a 400 is raised with the reason, and asked once",
  busy: "a 429 is asked again, not before `Retry-After`, and answered",
  retries: "a 502 is asked again, and answered",
  many: "50 requests at once: each is answered, each reaches an engine once, no lease is left",
  abort: "the client leaves in mid-stream: the engine's connection closes, and no lease is left",
  example: "the example of `examples/` runs as it stands",
} as const;

export type FeatureId = keyof typeof FEATURES;
