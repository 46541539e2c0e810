/**
 * The code blocks of the documents, and what is done with each: so that no command and no config stands in a page that
 * nobody has tried.
 *
 * Model. The words behind the fence's language say it. A block of commands is `run` (a test runs it, as it stands, with
 * the others of its page and in their order; a name may follow, by which the page's test finds it), `long` (minutes, or a
 * machine to itself), `account` (somebody's account), or `elsewhere` (another machine). Of what is not run
 * a test looks up that its scripts and options are there. A block of JSON is `config` (members of `warmpath.jsonc`; a
 * name after it is the file's), `pool` (members of a pool), `scenario` (a world of the simulator) or `shape` (what
 * travels, shortened): all but the last are read by the reader that is meant. Rejected: a list of blocks in the
 * test, which a new block would not be on.
 */
import { anchorOf } from "../../tools/reference/page.ts";

const COMMAND_MARKS = ["run", "long", "account", "elsewhere"] as const;
const JSON_MARKS = ["config", "pool", "scenario", "shape"] as const;

export type Fence = {
  /** Of the opening line, from 1. */
  readonly line: number;
  readonly language: string;
  /** The second word; empty where there is none. */
  readonly mark: string;
  /** What follows. */
  readonly name: string;
  /** With the line break of the last line. */
  readonly text: string;
};

export const COMMAND_LANGUAGES: ReadonlySet<string> = new Set(["sh", "bash", "shell", "console", "zsh"]);
export const JSON_LANGUAGES: ReadonlySet<string> = new Set(["json", "jsonc"]);

export function fencesOf(text: string): readonly Fence[] {
  return [...text.matchAll(/^( *)```([^\n`]*)\n([\s\S]*?)^\1```$/gm)].map((match) => {
    const [, , info = "", body = ""] = match;
    const [language = "", mark = "", ...name] = info.trim().split(/\s+/);
    const line = text.slice(0, match.index).split("\n").length;
    return { line, language, mark, name: name.join(" "), text: body };
  });
}

/** What a block lacks; null: nothing. */
export function fenceProblem({ language, mark }: Fence): string | null {
  const marks: readonly string[] | null = COMMAND_LANGUAGES.has(language)
    ? COMMAND_MARKS
    : JSON_LANGUAGES.has(language)
      ? JSON_MARKS
      : null;
  if (marks === null || marks.includes(mark)) return null;
  const words = marks.map((word) => `"${language} ${word}"`).join(", ");
  return `say what is done with this block: ${words} (test/repo/fences.ts has what they mean)`;
}

/** The anchors of a page, as GitHub makes them of its headings. */
export function anchorsOf(headings: readonly string[]): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const heading of headings) {
    const anchor = anchorOf(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1"));
    let unique = anchor;
    for (let again = 1; anchors.has(unique); again += 1) unique = `${anchor}-${again}`;
    anchors.add(unique);
  }
  return anchors;
}
