/**
 * The words of the protocols: what in an answer is no text, because only these values stand there. Everything else is
 * read, in known members and in unknown ones.
 *
 * Model. A value is left out only where it is one of those that are listed for its member, never for its member alone: a
 * finish reason that is none of the known ones is a text. A member's name is left out if the protocols define it, so
 * that a banned word such as "message" does not end every answer. A time is a number of today's size.
 * Source: the references of OpenAI (chat completions, completions, responses, embeddings) and Anthropic (messages), and
 * what vLLM and SGLang add to them.
 * Rejected: a list of the members that are text, by which 270 of 399 ways to say a thing passed unread.
 */
import { KNOWN_NAMES } from "../text/known-members.ts";

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

const TYPES = words(`
  text message function function_call function_call_output custom tool_use tool_result tool_call custom_tool_call
  output_text input_text refusal reasoning reasoning_text summary_text reasoning.text reasoning.summary reasoning.encrypted
  url_citation file_citation file_path container_file_citation char_location page_location content_block_location
  web_search_result_location search_result_location image_url image input_image input_file file input_audio audio
  thinking redacted_thinking server_tool_use web_search_tool_result web_search_result mcp_tool_use mcp_tool_result
  code_execution_tool_result code_execution_result code_execution_output bash_code_execution_tool_result
  web_search_call file_search_call code_interpreter_call computer_call computer_call_output image_generation_call
  mcp_call mcp_list_tools mcp_approval_request local_shell_call shell_call shell_call_output apply_patch_call item_reference
  logs search open_page find type click json_object json_schema ephemeral base64 url usage
  text_delta thinking_delta input_json_delta signature_delta citations_delta
  message_start message_delta message_stop content_block_start content_block_delta content_block_stop ping error
  invalid_request_error authentication_error permission_error not_found_error request_too_large rate_limit_error
  api_error overloaded_error server_error timeout_error insufficient_quota
  response.created response.queued response.in_progress response.completed response.incomplete response.failed
  response.cancelled response.output_item.added response.output_item.done response.content_part.added
  response.content_part.done response.output_text.delta response.output_text.done response.output_text.annotation.added
  response.refusal.delta response.refusal.done response.reasoning_text.delta response.reasoning_text.done
  response.reasoning_summary_part.added response.reasoning_summary_part.done response.reasoning_summary_text.delta
  response.reasoning_summary_text.done response.function_call_arguments.delta response.function_call_arguments.done
  response.mcp_call_arguments.delta response.mcp_call_arguments.done response.custom_tool_call_input.delta
  response.custom_tool_call_input.done response.code_interpreter_call_code.delta response.code_interpreter_call_code.done
  response.web_search_call.in_progress response.web_search_call.searching response.web_search_call.completed
  response.file_search_call.in_progress response.file_search_call.searching response.file_search_call.completed
  response.code_interpreter_call.in_progress response.code_interpreter_call.interpreting
  response.code_interpreter_call.completed response.mcp_call.in_progress response.mcp_call.completed response.mcp_call.failed
  response.image_generation_call.in_progress response.image_generation_call.generating
  response.image_generation_call.partial_image response.image_generation_call.completed
  transcript.text.delta transcript.text.done transcript.text.segment speech.audio.delta speech.audio.done
  image_generation.partial_image image_generation.completed image_edit.partial_image image_edit.completed
  duration tokens
`);

const REASONS = words(`
  stop length tool_calls content_filter function_call end_turn max_tokens stop_sequence tool_use pause_turn refusal
  abort error repetition max_output_tokens model_context_window_exceeded
`);
const STATUSES = words(
  "completed in_progress incomplete failed cancelled queued searching generating interpreting calling",
);

/** By member: the values that are no texts there. */
const WORDS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["type", TYPES],
  ["role", words("assistant user system tool developer function model")],
  [
    "object",
    words(`
      chat.completion chat.completion.chunk text_completion response list embedding model error response.input_tokens
      response.compaction score rerank classify pooling
    `),
  ],
  ["finish_reason", REASONS],
  ["stop_reason", REASONS],
  ["reason", REASONS],
  ["status", STATUSES],
  ["service_tier", words("auto default flex scale priority standard batch")],
  ["phase", words("commentary final_answer")],
]);

/** Is this string one that the protocols put in this member, and no text. */
export const isWord = (member: string, value: string): boolean => WORDS.get(member)?.has(value) === true;

/** Is this the name of an event of a known protocol. */
export const isEventName = (name: string): boolean => TYPES.has(name) || name === "done";

/** Beside those that requests have too. */
const NAMES = words(`
  object created created_at completed_at choices message delta finish_reason stop_reason token bytes logprob
  token_logprobs text_offset usage prompt_tokens completion_tokens total_tokens prompt_tokens_details
  completion_tokens_details cached_tokens reasoning_tokens audio_tokens accepted_prediction_tokens
  rejected_prediction_tokens system_fingerprint url_citation start_index end_index transcript decoded_token rank
  matched_stop obfuscation custom output_text response item part output_index content_index summary_index item_id
  sequence_number error code param incomplete_details reason partial_json content_block stop_sequence input_tokens
  output_tokens cache_creation_input_tokens cache_read_input_tokens input_tokens_details output_tokens_details
  server_tool_use cited_text document_index document_title start_char_index end_char_index results queries action
  outputs logs embedding relevance_score score segments generated_text annotation annotation_index billing
  max_tool_calls warning
`);

/** Is it the protocols' name for a member, and so none that somebody chose. */
export const isKnownName = (name: string): boolean => NAMES.has(name) || KNOWN_NAMES.has(name);

/** Members in which a stream brings a text in pieces, wherever they stand. */
const PIECES = words(`
  text content delta token tokens thinking summary reasoning reasoning_content refusal arguments input partial_json
  transcript code response generated_text completion answer output_text words decoded_token bytes
`);

export const isPieceName = (name: string): boolean => PIECES.has(name);

/** Strings that come whole, also inside of a delta: a client that got a part of one could not use it. */
const ATOMS = words("id type role name object model format status call_id signature finish_reason encrypted_content");

export const isAtom = (name: string): boolean => ATOMS.has(name);

/** What only the server that made it can read: encrypted reasoning, padding, a vector. */
const OPAQUE = words("signature thought_signature encrypted_content obfuscation embedding");

/** `type`: what the holder calls itself. */
export const isOpaque = (name: string, type: unknown): boolean =>
  OPAQUE.has(name) || (name === "data" && type === "redacted_thinking");

const TIMES = words("created created_at completed_at expires_at updated_at modified_at started_at");
/** From 2001 to 2106. */
const SECONDS = { min: 1e9, max: 4_294_967_296 };

/** Is this a time, in seconds or milliseconds. */
export const isTime = (member: string, value: number): boolean =>
  TIMES.has(member) && [1, 1_000].some((unit) => value >= SECONDS.min * unit && value < SECONDS.max * unit);

/** Lists of numbers that stand for a text which nobody here can read. */
export const isTokenIds = (member: string): boolean =>
  /^(?:prompt_|output_|input_)?(?:token_ids|tokens|ids)$/.test(member);
