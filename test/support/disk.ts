/** What a router has left on its disk: every SQLite file under its state, with the logs. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

function filesOf(stateDir: string): readonly string[] {
  const entries = readdirSync(stateDir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

/** Which of the words are anywhere on disk, as UTF-8 or as UTF-16, also across the pages of an index. */
export function onDisk(stateDir: string, words: readonly string[]): readonly string[] {
  const files = filesOf(stateDir).map((path) => readFileSync(path));
  return words.filter((word) =>
    files.some((bytes) => bytes.includes(Buffer.from(word)) || bytes.includes(Buffer.from(word, "utf16le"))),
  );
}

/** Of each pool, without the one in which the platform keeps alarms. */
export const queueFiles = (stateDir: string): readonly string[] =>
  filesOf(stateDir).filter((path) => /JobQueue\/[0-9a-f]+\.sqlite$/.test(path));
