import OpenAI from "openai-6";
import { chatClient } from "./openai-chat.mjs";
import { versionOf } from "./version.mjs";

export const version = versionOf("openai-6");
export const { ask, stream, tools, structured, vision } = chatClient(OpenAI);
