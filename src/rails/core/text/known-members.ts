/**
 * What of a request's body is no text of its sender: names and values that the protocols themselves have, and members
 * that hold media. Everything that is not in these tables is read.
 *
 * Model. A table is an enumeration that is checked here: a `role` of a known name is passed over, any other is a text.
 * So a table that lacks a word costs a look at it, and one that has a word too many costs nothing, because nobody can
 * say more in it than that word.
 * Source: the APIs of OpenAI (chat completions, completions, embeddings, responses), Anthropic (messages), Google
 * (contents), Ollama, vLLM's and SGLang's additions, Runpod's workers, and JSON Schema.
 * Rejected: lists of members that no model sees, which is a claim about servers that nobody here can check.
 */

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}

/** Names of members. */
export const KNOWN_NAMES: ReadonlySet<string> = words(`
  messages role content name model type text prompt input inputs output instructions system suffix tools tool_choice
  tool_calls tool_call_id tool_use_id function functions function_call arguments call_id parameters
  parallel_tool_calls allowed_tools tool_name tool is_error caller id index status user metadata stop stop_sequences
  stream stream_options include_usage seed n echo logprobs top_logprobs logit_bias temperature top_p top_k min_p
  max_tokens max_completion_tokens max_output_tokens min_tokens frequency_penalty presence_penalty repetition_penalty
  length_penalty response_format json_schema schema format strict reasoning reasoning_effort reasoning_content
  reasoning_details effort summary thinking budget_tokens signature data encrypted_content refusal annotations
  verbosity store include truncation background previous_response_id conversation service_tier safety_identifier
  prompt_cache_key session_id request_id encoding_format dimensions modalities audio voice prediction
  web_search_options image_url url detail input_audio video_url audio_url file file_id file_data file_url filename
  source media_type title context citations enabled cache_control ttl source_type document documents image images
  video anthropic_version max_uses container mcp_servers contents parts inline_data inlineData mime_type mimeType
  fileData generationConfig systemInstruction options raw template think chat_template chat_template_kwargs
  add_generation_prompt continue_final_message add_special_tokens enable_thinking guided_json guided_regex
  guided_choice guided_grammar structured_outputs ignore_eos skip_special_tokens stop_token_ids priority
  prompt_token_ids input_ids token_ids tokens prompt_embeds allowed_token_ids multi_modal_data sampling_params
  max_new_tokens query top_n return_documents properties required items enum const additionalProperties description
  default examples anyOf oneOf allOf not minimum maximum minLength maxLength minItems maxItems pattern nullable
  definitions $defs $ref $schema webhook policy s3Config width height steps negative_prompt image_data audio_data
  video_data
`);

/** Values of members that servers check against closed sets, by the member. */
const KNOWN_VALUES: Readonly<Record<string, ReadonlySet<string>>> = {
  role: words("system developer user assistant tool function model critic discriminator"),
  type: words(`
    text input_text output_text summary_text reasoning_text refusal message reasoning thinking redacted_thinking
    function custom function_call function_call_output custom_tool_call custom_tool_call_output tool_use tool_result
    server_tool_use web_search_tool_result image_url input_image image image_file video_url video audio_url audio
    input_audio file input_file document base64 url content ephemeral enabled disabled adaptive auto any none required
    tool json_object json_schema grammar regex item_reference mcp mcp_call mcp_list_tools web_search web_search_preview
    web_search_call file_search file_search_call code_interpreter code_interpreter_call computer_use_preview
    computer_call computer_call_output image_generation local_shell approximate
    object string number integer boolean array null
  `),
};

/** Is this no more than a word of the protocol. */
export function isKnownValue(name: string, value: unknown): boolean {
  return typeof value === "string" && Object.hasOwn(KNOWN_VALUES, name) && KNOWN_VALUES[name]?.has(value) === true;
}

/** The role of texts that have no message around them, by top-level member; "user" for all others. */
const ROLES: Readonly<Record<string, string>> = {
  messages: "",
  system: "system",
  instructions: "system",
  chat_template: "system",
  tools: "tool_definition",
  functions: "tool_definition",
  response_format: "tool_definition",
  documents: "tool",
};

/**
 * Of the known paths: few servers show these to a model. What they hold is the caller's program's, names, ids, marks of
 * a chat's frame, as orders are the operator's.
 */
const PARAMETERS: ReadonlySet<string> = words(`
  model user metadata stop stop_sequences safety_identifier prompt_cache_key session_id request_id previous_response_id
  encoding_format service_tier
`);

/** Of a path whose shape is known. */
export const isParameter = (name: string): boolean => PARAMETERS.has(name);

export function roleOfMember(name: string, isKnownPath: boolean): string {
  if (isKnownPath && isParameter(name)) return "parameter";
  return Object.hasOwn(ROLES, name) ? (ROLES[name] ?? "user") : "user";
}

/** Parts of a message that are more than their texts. */
const MEDIA_MEMBERS: ReadonlySet<string> = words(`
  image_url video_url audio_url input_audio audio file inline_data inlineData file_data fileData
`);

/** Names that workers choose for media. */
const MEDIA_NAMES: ReadonlySet<string> = words(`
  image images video image_data video_data audio_data multi_modal_data multimodal_data
`);

/** What parts of a message call themselves when there is more to them than their texts. */
const MEDIA_TYPES: ReadonlySet<unknown> = words("image input_image audio video document input_file base64");

export type Members = Readonly<Record<string, unknown>>;

/** Is there more to this member than its texts. */
export const isMediaMember = (record: Members, name: string): boolean =>
  record[name] !== null && (MEDIA_MEMBERS.has(name) || (name === "data" && record["type"] === "base64"));

/** The same of a member at the top, where `audio` says how the model should speak. */
export const isMediaAtTop = (name: string, value: unknown): boolean =>
  value !== null &&
  (MEDIA_MEMBERS.has(name) || MEDIA_NAMES.has(name)) &&
  !(name === "audio" && typeof value === "object" && !Array.isArray(value));

export const hasMedia = (record: Members): boolean =>
  (MEDIA_TYPES.has(record["type"]) && !isTextDocument(record)) ||
  Object.keys(record).some((name) => MEDIA_NAMES.has(name) && record[name] !== null);

/** Anthropic's document whose source is its text. */
function isTextDocument({ type, source }: Members): boolean {
  if (type !== "document" || typeof source !== "object" || source === null) return false;
  const { type: kind } = source as Members;
  return kind === "text" || kind === "content";
}

/** For who does not walk in full: false only where the walk would say nothing of media. */
export const mayBeMedia = (record: Members, name: string): boolean =>
  MEDIA_MEMBERS.has(name) || MEDIA_NAMES.has(name) || MEDIA_TYPES.has(record["type"]);
