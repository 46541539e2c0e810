import OpenAI from "openai";
import { chatClient } from "./openai-chat.mjs";
import { versionOf } from "./version.mjs";

export const version = versionOf("openai");
export const { ask, stream, tools, structured, vision } = chatClient(OpenAI);
