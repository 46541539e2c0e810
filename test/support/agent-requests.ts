/**
 * What coding agents ask for, by their public documentation: the members and blocks that they send, with short texts in place
 * of their long ones.
 */

/** Claude Code: a turn in which a tool has answered, with all that its documents for gateways name. */
export const claudeCode = (model: string) => ({
  headers: {
    "anthropic-version": "2023-06-01",
    "anthropic-beta":
      "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,effort-2025-11-24",
    "x-app": "cli",
    "user-agent": "claude-cli/2.1.280 (external, cli)",
    "x-claude-code-session-id": "6b1c0e0e-3f62-4a6e-9a39-7d0b0d1f2c11",
    "x-stainless-timeout": "600",
  },
  body: {
    model,
    max_tokens: 32_000,
    stream: true,
    system: [
      { type: "text", text: "x-anthropic-billing-header: cc_version=2.1.280.0d9; cc_entrypoint=cli; cch=fa690;" },
      {
        type: "text",
        text: "You are Claude Code, Anthropic's official CLI for Claude.",
        cache_control: { type: "ephemeral" },
      },
      { type: "text", text: "You help with software.", cache_control: { type: "ephemeral" } },
    ],
    thinking: { type: "adaptive" },
    output_config: { effort: "high" },
    context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
    metadata: { user_id: '{"session_id":"6b1c0e0e-3f62-4a6e-9a39-7d0b0d1f2c11"}' },
    tools: [
      {
        name: "Bash",
        description: "Runs a command.",
        input_schema: {
          $schema: "https://json-schema.org/draft/2020-12/schema",
          type: "object",
          properties: { command: { type: "string" }, timeout: { type: "number" } },
          required: ["command"],
          additionalProperties: false,
        },
        eager_input_streaming: true,
      },
      {
        name: "Read",
        description: "Reads a file.",
        input_schema: { type: "object", properties: { file_path: { type: "string" } }, required: ["file_path"] },
        cache_control: { type: "ephemeral" },
      },
    ],
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "<system-reminder>\nToday is Monday.\n</system-reminder>" },
          { type: "text", text: "What is in the file?" },
        ],
      },
      { role: "system", content: "# Environment\nlinux" },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "I read it.", signature: "EqQBCgIYAhIM" },
          { type: "text", text: "I read it." },
          { type: "tool_use", id: "toolu_01", name: "Read", input: { file_path: "/tmp/x" } },
          { type: "tool_use", id: "toolu_02", name: "Bash", input: { command: "ls" } },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "toolu_01", content: "1\tthink", is_error: false },
          {
            type: "tool_result",
            tool_use_id: "toolu_02",
            content: [{ type: "text", text: "no such directory" }],
            is_error: true,
            cache_control: { type: "ephemeral" },
          },
          { type: "text", text: "think", cache_control: { type: "ephemeral" } },
        ],
      },
    ],
  },
});

/** Codex: a turn in which a tool has answered, with the search of the web switched off. */
export const codex = (model: string) => ({
  headers: {
    originator: "codex_cli_rs",
    "user-agent": "codex_cli_rs/0.120.0 (Debian 13; x86_64) xterm",
    "session-id": "0197a7c2-8f7e-7b11-9a3c-5d1d2e3f4a5b",
    "thread-id": "0197a7c2-8f7e-7b11-9a3c-5d1d2e3f4a5b",
    accept: "text/event-stream",
  },
  body: {
    model,
    instructions: "You are a coding agent running in the Codex CLI.",
    stream: true,
    store: false,
    tool_choice: "auto",
    parallel_tool_calls: false,
    reasoning: { effort: "medium", summary: "auto" },
    include: ["reasoning.encrypted_content"],
    prompt_cache_key: "0197a7c2-8f7e-7b11-9a3c-5d1d2e3f4a5b",
    text: { verbosity: "medium" },
    client_metadata: { "x-codex-installation-id": "1" },
    tools: [
      {
        type: "function",
        name: "shell_command",
        description: "Runs a command.",
        strict: false,
        parameters: {
          type: "object",
          properties: { command: { type: "string" }, workdir: { type: "string" } },
          required: ["command"],
          additionalProperties: false,
        },
      },
      {
        type: "custom",
        name: "apply_patch",
        description: "Edits files.",
        format: { type: "grammar", syntax: "lark", definition: 'start: "*** Begin Patch"' },
      },
    ],
    input: [
      {
        type: "message",
        role: "developer",
        content: [{ type: "input_text", text: "<permissions>read only</permissions>" }],
      },
      {
        type: "message",
        role: "user",
        content: [{ type: "input_text", text: "<environment_context>linux</environment_context>" }],
      },
      { type: "message", role: "user", content: [{ type: "input_text", text: "Change the file." }] },
      {
        type: "reasoning",
        summary: [{ type: "summary_text", text: "I look." }],
        content: null,
        encrypted_content: "gAAAA",
      },
      { type: "function_call", name: "shell_command", arguments: '{"command":"ls"}', call_id: "call_1" },
      { type: "function_call_output", call_id: "call_1", output: "Exit code: 0\nOutput:\nx" },
      { type: "message", role: "user", content: [{ type: "input_text", text: "patch" }] },
    ],
  },
});
