import OpenAI from "openai";
import { responsesClient } from "./openai-responses.mjs";
import { versionOf } from "./version.mjs";

export const version = versionOf("openai");
export const { ask, stream, tools, structured, vision } = responsesClient(OpenAI);
