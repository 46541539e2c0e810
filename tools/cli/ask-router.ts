/** How `serve` speaks to the router that it keeps: over a Unix socket in a folder that only this user may enter. */
import { request } from "node:http";

/** Beyond the time that was asked for, this long for the answer, ms: more than its last words and looks take. */
const ANSWER_MS_MAX = 10_000;

/**
 * The text of its answer to a POST; null when the router cannot be asked, or does not answer soon
 * after `waitMs`. Never rejects.
 */
export function askRouter(socketPath: string, path: string, waitMs: number): Promise<string | null> {
  return new Promise((settle) => {
    const asked = request({ socketPath, method: "POST", path, timeout: waitMs + ANSWER_MS_MAX }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      answer.once("end", () => settle(answer.statusCode === 200 ? text : null));
      answer.once("error", () => settle(null));
    });
    asked.once("timeout", () => asked.destroy());
    asked.once("error", () => settle(null));
    asked.end();
  });
}
