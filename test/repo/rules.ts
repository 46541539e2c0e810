/**
 * The rules of this repository that no other tool checks, as one pure function over all files. What had to be corrected
 * twice becomes a rule here.
 */
import { posix } from "node:path";
import { arrowProblem } from "./arrows.ts";
import { anchorsOf, fenceProblem, fencesOf } from "./fences.ts";
import { findCycles, importsOf, lineAt, type SourceFile } from "./imports.ts";
import { maskSource } from "./mask.ts";

export type RuleName =
  | "import-arrow"
  | "import-cycle"
  | "barrel"
  | "core-purity"
  | "simulated-time"
  | "raw-fetch"
  | "credential"
  | "early-answer"
  | "dispatch-door"
  | "markup"
  | "default-export"
  | "file-name"
  | "file-length"
  | "any"
  | "unfinished"
  | "machine-path"
  | "broken-link"
  | "unmarked-block"
  | "citation";

export type Violation = {
  readonly rule: RuleName;
  readonly path: string;
  readonly line: number;
  readonly message: string;
};

/** Longer files are not read in one sitting. */
export const FILE_LINES_MAX = 400;

/** Where the reason for a longer file must stand, so that a reader meets it first. */
export const SIZE_REASON_LINES = 30;

type Found = { readonly line: number; readonly message: string };
type FileRule = { readonly rule: RuleName; readonly find: (file: Source, tree: Tree) => readonly Found[] };
type Source = SourceFile & { readonly code: string };
type Tree = {
  readonly paths: ReadonlySet<string>;
  /** Titles of every document, without their `#`. */
  readonly headings: ReadonlyMap<string, readonly string[]>;
};

/** Samples of broken code live here. */
const samplesFolder = "test/repo/";

export function checkRepository(files: readonly SourceFile[]): readonly Violation[] {
  const tree: Tree = { paths: withFolders(files), headings: headingsOf(files) };
  const violations: Violation[] = [];
  for (const file of files) {
    const isTs = isTypeScript(file);
    const source: Source = { ...file, code: isTs ? maskSource(file.text) : "" };
    for (const { rule, find } of isTs ? [...typescriptRules, ...textRules] : textRules) {
      for (const found of find(source, tree)) violations.push({ rule, path: file.path, ...found });
    }
  }
  for (const cycle of findCycles(files.filter(isTypeScript))) {
    violations.push({ rule: "import-cycle", path: cycle[0] ?? "", line: 1, message: cycle.join(" -> ") });
  }
  for (const file of simulatedShells(files)) {
    for (const found of matches(
      { ...file, code: maskSource(file.text) },
      realTime,
      ([word]) => `${word}: ${SIMULATED}`,
    )) {
      violations.push({ rule: "simulated-time", path: file.path, ...found });
    }
  }
  return violations;
}

const isTypeScript = ({ path }: SourceFile): boolean => /\.tsx?$/.test(path);

/** What of the house the simulator runs, whole or in part, and is not pure anyway. */
function simulatedShells(files: readonly SourceFile[]): readonly SourceFile[] {
  const known = new Map(files.map((file) => [file.path, file]));
  const reached = new Set<SourceFile>();
  const waiting = files.filter(({ path }) => path.startsWith("tools/sim/production/"));
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    for (const { target, typeOnly } of importsOf(file)) {
      const next = typeOnly ? undefined : known.get(target ?? "");
      if (next === undefined || reached.has(next) || !next.path.startsWith("src/")) continue;
      reached.add(next);
      waiting.push(next);
    }
  }
  return [...reached].filter(({ path }) => !isPure.test(path));
}

function withFolders(files: readonly SourceFile[]): ReadonlySet<string> {
  const paths = new Set<string>();
  for (const { path } of files) {
    for (let at = path; at !== "."; at = posix.dirname(at)) paths.add(at);
  }
  return paths;
}

function headingsOf(files: readonly SourceFile[]): ReadonlyMap<string, readonly string[]> {
  const documents = files.filter(({ path }) => path.endsWith(".md"));
  return new Map(
    documents.map(({ path, text }) => [path, [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => title.trim())]),
  );
}

/** Every match of a global pattern in the code, as a violation at its line. */
function matches(source: Source, pattern: RegExp, message: (match: RegExpMatchArray) => string): readonly Found[] {
  return [...source.code.matchAll(pattern)].map((match) => ({
    line: lineAt(source.text, match.index),
    message: message(match),
  }));
}

const impure =
  /(?<![\w$]|(?<!\.\.)\.)(?:Date|Math\s*\.\s*random|async|await|Promise|fetch|crypto|setTimeout|setInterval|queueMicrotask|console|performance|process|globalThis|TextDecoder|TextEncoder)(?![\w$]|\??\s*:)/g;

/** What takes a shell out of the simulator's hands. */
const realTime =
  /(?<![\w$]|(?<!\.\.)\.)(?:Date|Math\s*\.\s*random|fetch|crypto|setTimeout|setInterval|scheduler|performance)(?![\w$]|\??\s*:)/g;
const SIMULATED = "the simulator runs this shell: time, chance and the network come from its ports";

/** Files of the Worker that may call the global fetch, each with its reason. */
const rawFetchAllowed: ReadonlyMap<string, string> = new Map([
  ["backends/egress.ts", "the one door to the network: what must hold for every request out holds there"],
]);

/** Files of the Worker that may touch an outgoing credential, each with its reason. */
const credentialAllowed: ReadonlyMap<string, string> = new Map([
  ["backends/egress.ts", "alone adds it, to a request that is still its endpoint's"],
  ["backends/targets.ts", "alone reads an endpoint's secret"],
  ["backends/port.ts", "its type"],
]);

/** Files of the Worker that may make an answer of an error of ours, each with its reason. */
const answerAllowed: ReadonlyMap<string, string> = new Map([
  ["src/worker.ts", "the door: until there a refusal is a value that nobody has to parse"],
  ["src/wire/refuse.ts", "makes it for the door"],
  [
    "src/gateway/files-api/line-jobs.ts",
    "a line of a batch is told in a file why it was refused: it never comes to the door",
  ],
]);
/** What is behind the door of dispatch: the life of an attempt, and what settles it. */
const behindTheDoor =
  /^src\/dispatch\/(?:attempt|attempt-[\w-]+|attempts|course|hedge(?:-second)?|losses|open-answer|read-answer|relay|upstream|http-upstream)\.ts$/;
const answerMaker = /\bimport\s*\{[^}]*\b(?:refuse|errorBody|errorHeaders)\b/g;

/** In code: the member read, taken apart or made. */
const credentialMember =
  /\.\s*(?:healthA|[aA])uthorization\b|(?<![?.\w])(?:healthA|[aA])uthorization\s*(?:[,}]|:(?!\s*string\b))/g;
/** In strings, which the mask blanks: the header made or set, or its value. Reading a client's is no match. */
const credentialHeader =
  /(?:[{,]|^)\s*["'][aA]uthorization["']\s*:|\[["'][aA]uthorization["']\]\s*=|(?:set|append)\(\s*["'][aA]uthorization["']|`[bB]earer \$\{/gm;

/** All of the house, and the adapters: a room that is added runs in the Worker too. */
const runsInWorker = /^(?:src\/|backends\/[^/]+\.ts$)/;
/** What decides and does nothing else. */
const isPure = /^src\/(?:lib|[^/]+\/core|rails\/detectors)\//;
const defaultExportAllowed = /^(?:src\/worker\.ts|[^/]+\.config\.ts|.+\.d\.ts)$/;

/** What would make markup or code of a text: the page shows what endpoints, clients and operators wrote. */
const textAsMarkup =
  /\b(?:innerHTML|outerHTML|dangerouslySetInnerHTML|insertAdjacentHTML|setHTMLUnsafe|parseHTMLUnsafe|createContextualFragment|DOMParser|srcdoc|eval)\b|\bdocument\s*\.\s*write|\bnew\s+Function\b/g;

const typescriptRules: readonly FileRule[] = [
  {
    rule: "markup",
    find: (source) =>
      source.path.startsWith("dashboard/")
        ? matches(source, textAsMarkup, ([word]) => `${word}: a text is shown as text`)
        : [],
  },
  {
    rule: "import-arrow",
    find: (source) =>
      importsOf(source).flatMap((imported) => {
        const message = arrowProblem(source, imported);
        return message === undefined ? [] : [{ line: imported.line, message }];
      }),
  },
  { rule: "barrel", find: barrel },
  {
    rule: "core-purity",
    find: (source) =>
      isPure.test(source.path)
        ? matches(source, impure, ([word]) => `${word}: the core takes time and chance as arguments and never waits`)
        : [],
  },
  {
    rule: "raw-fetch",
    find: (source) => (runsInWorker.test(source.path) && !rawFetchAllowed.has(source.path) ? rawFetches(source) : []),
  },
  {
    rule: "credential",
    find: (source) =>
      runsInWorker.test(source.path) && !credentialAllowed.has(source.path) ? credentialUses(source) : [],
  },
  {
    rule: "early-answer",
    find: (source) =>
      runsInWorker.test(source.path) && !answerAllowed.has(source.path)
        ? matches(source, answerMaker, () => "return the Refusal: src/worker.ts makes the answer")
        : [],
  },
  {
    rule: "dispatch-door",
    find: (source) =>
      source.path.startsWith("src/") && !source.path.startsWith("src/dispatch/")
        ? importsOf(source)
            .filter(({ target = "" }) => behindTheDoor.test(target))
            .map(({ line }) => ({ line, message: "go through door.ts or slot.ts: they settle and abort" }))
        : [],
  },
  {
    rule: "default-export",
    find: (source) =>
      defaultExportAllowed.test(source.path)
        ? []
        : matches(source, /\bexport\s+(?:default\b|\{[^}]*\bas\s+default\b)/g, () => "only the Worker's entry has one"),
  },
  {
    rule: "any",
    find: (source) =>
      matches(source, /(?:\bas|:|<|,|\||=>)\s*any\b(?!\s*[(.:=])|\bany\s*\[\]/g, () => "say the type, or unknown"),
  },
];

const textRules: readonly FileRule[] = [
  {
    rule: "file-name",
    find: ({ path }) =>
      /(?:^|\/)(?:utils?|helpers?)\.\w+$/.test(path) ? [{ line: 1, message: "name the file after what it does" }] : [],
  },
  { rule: "file-length", find: tooLong },
  {
    rule: "unfinished",
    find: (source) => lines(source, /\b(?:TODO|FIXME)\b/, "finish it, or write it down as an issue"),
  },
  {
    rule: "machine-path",
    find: (source) => lines(source, /(?<![\w.~\-\])}])\/(?:home|Users|root|work)\/[\w.]/, "a path of one machine"),
  },
  { rule: "broken-link", find: brokenLinks },
  { rule: "citation", find: citations },
  {
    rule: "unmarked-block",
    find: ({ path, text }) =>
      path.endsWith(".md") && path !== "CHANGELOG.md"
        ? fencesOf(text).flatMap((fence) => {
            const message = fenceProblem(fence);
            return message === null ? [] : [{ line: fence.line, message }];
          })
        : [],
  },
];

function lines(source: Source, pattern: RegExp, message: string): readonly Found[] {
  if (source.path.startsWith(samplesFolder)) return [];
  return source.text.split("\n").flatMap((line, index) => (pattern.test(line) ? [{ line: index + 1, message }] : []));
}

function barrel(source: Source): readonly Found[] {
  if (/(?:^|\/)index\.ts$/.test(source.path)) return [{ line: 1, message: "import from the file that defines it" }];
  if (!importsOf(source).some(({ reExport }) => reExport)) return [];
  const rest = source.code.replace(/\b(?:import|export)\b[^;]*?(?:\bfrom\s*)?(["']) *\1\s*;?/g, "");
  const empty = rest.replace(/\bexport\s*(?:type\s*)?\{[^}]*\}\s*;?/g, "").trim() === "";
  return empty ? [{ line: 1, message: "the file only passes on what others define" }] : [];
}

/** The global by its name, called or handed on, and whatever else could reach it or the network. */
function rawFetches(source: Source): readonly Found[] {
  const message = "ask through backends/egress.ts";
  const around = /\bglobalThis\b|(?<![\w$.])self\s*[.[]|\bnew\s+(?:WebSocket|EventSource|XMLHttpRequest)\b/g;
  const named = [...source.code.matchAll(/(?<![\w$]|(?<!\.\.)\.)fetch\b(?:\s*(\()|(?!\s*\??:))/g)]
    .filter(({ index, 0: { length }, 1: call }) => call === undefined || !isMethod(source.code, index, index + length))
    .map(({ index }) => ({ line: lineAt(source.text, index), message }));
  return [...matches(source, around, () => message), ...named];
}

function credentialUses(source: Source): readonly Found[] {
  const message = "only the egress puts a credential on a request";
  // The mask leaves the quotes of code, and nothing of a comment.
  const isCode = ({ index, 0: found }: RegExpExecArray): boolean =>
    /["'`]/.test(source.code.slice(index, index + found.length));
  const inStrings = [...source.text.matchAll(credentialHeader)].filter(isCode);
  // What strikes it out of a failure's text has to be told it.
  const isStruckOut = (line: number): boolean => source.text.split("\n")[line - 1]?.includes("failureText(") === true;
  return [
    ...matches(source, credentialMember, () => message).filter(({ line }) => !isStruckOut(line)),
    ...inStrings.map(({ index }) => ({ line: lineAt(source.text, index), message })),
  ];
}

/** A method named fetch (of the handler or of a type): it starts a member, and a body or a type follows its brackets. */
function isMethod(code: string, start: number, afterOpening: number): boolean {
  if (!/(?:[{};,]|\basync|\boverride|\bpublic|\breadonly)\s*$/.test(code.slice(0, start))) return false;
  let depth = 1;
  let at = afterOpening;
  while (at < code.length && depth > 0) {
    if (code.charAt(at) === "(") depth += 1;
    if (code.charAt(at) === ")") depth -= 1;
    at += 1;
  }
  return /^\s*[{:]/.test(code.slice(at));
}

function tooLong({ path, text }: Source): readonly Found[] {
  if (!/\.(?:tsx?|js|mjs|py|sh|html|css)$/.test(path)) return [];
  const all = text.replace(/\n$/, "").split("\n");
  if (all.length <= FILE_LINES_MAX) return [];
  const excused = all.slice(0, SIZE_REASON_LINES).some((line) => /(?:\/\/|#|<!--|\*) size: \S/.test(line));
  const message = `${all.length} lines: split it, or give the reason near the top as "// size: <reason>"`;
  return excused ? [] : [{ line: FILE_LINES_MAX + 1, message }];
}

/** Links to files and headings of this repository; code blocks and links to elsewhere are not looked at. */
function brokenLinks(source: Source, tree: Tree): readonly Found[] {
  if (!source.path.endsWith(".md")) return [];
  const keepLines = (block: string) => block.replace(/[^\n]/g, " ");
  const prose = source.text.replace(/^(```|~~~)[\s\S]*?^\1/gm, keepLines).replace(/`[^`\n]*`/g, keepLines);
  const links = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)/g), ...prose.matchAll(/^\[[^\]\n]+\]:\s*<?([^\s>]+)/gm)];
  return links.flatMap((match) => {
    const [, path = "", anchor = ""] = /^([^#?]*)(?:\?[^#]*)?(?:#(.*))?$/.exec(match[1] ?? "") ?? [];
    const target = decodeURI(path);
    if (/^(?:[a-z][a-z+.-]*:|\/\/)/i.test(target)) return [];
    const from = target.startsWith("/") ? "" : posix.dirname(source.path);
    const resolved = target === "" ? source.path : posix.join(from, target).replace(/^\/|\/$/g, "");
    const line = lineAt(source.text, match.index);
    if (resolved !== "" && resolved !== "." && !tree.paths.has(resolved))
      return [{ line, message: `${target} does not exist` }];
    const headings = anchor === "" ? undefined : tree.headings.get(resolved);
    const isThere = headings === undefined || anchorsOf(headings).has(anchor.toLowerCase());
    return isThere ? [] : [{ line, message: `${resolved} has no heading #${anchor}` }];
  });
}

/**
 * Documents that a text names in passing, as `docs/sources.md, Round trips`: whoever has only this repository must be able
 * to follow that, to the section.
 */
function citations(source: Source, tree: Tree): readonly Found[] {
  if (source.path.startsWith(samplesFolder)) return [];
  const cited =
    /(?<![\w./-])(?:((?:docs|facts|shared)\/[\w./-]+\.md)(?:, (?=[A-Z]))?|design\.md|[Dd]esign,? sections? \d)/g;
  return [...source.text.matchAll(cited)].flatMap((match) => {
    const [whole, path = ""] = match;
    const line = lineAt(source.text, match.index);
    if (!tree.paths.has(path)) return [{ line, message: `${whole} is not in this repository` }];
    if (!whole.endsWith(", ")) return [];
    const rest = source.text.slice(match.index + whole.length);
    const isTitled = tree.headings.get(path)?.some((title) => rest.startsWith(title)) === true;
    return isTitled ? [] : [{ line, message: `${path} has no section of that name` }];
  });
}
