/**
 * Reads JSON with comments and trailing commas, the format of scenario files.
 *
 * Model. Comments and commas before a closing bracket become spaces, so positions stay, and `JSON.parse` does the rest.
 * Rejected: the project's JSONC package, because the simulator depends on the core alone.
 */
import { err, ok, type Result } from "../../src/lib/result.ts";

/** The value, or a message with line and column. */
export function parseJsonc(text: string): Result<unknown, string> {
  try {
    return ok(JSON.parse(blanked(text)));
  } catch (error) {
    return err(error instanceof Error ? error.message : "not JSON");
  }
}

/** A string, a comment, or a comma that only comments and spaces part from a closing bracket. */
const TOKEN = /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\/|,(?=(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*[\]}])/g;

function blanked(text: string): string {
  return text.replace(TOKEN, (token) => (token.startsWith('"') ? token : token.replace(/[^\n]/g, " ")));
}
