/**
 * Decides how the text of `warmpath.jsonc` becomes a value, and where in the text each part of that value stands.
 *
 * Model: for who puts problems into words, and tools; an isolate that starts reads by `config-value.ts`.
 * jsonc-parser's syntax tree, walked once. Bounds come first, on a scanner that does not recurse: the parser
 * itself recurses per bracket, so ten thousand "[" would end the isolate. Two keys of the same name are an error, since
 * the second would silently win. Rejected: `JSON.parse` after stripping comments, which cannot say line and column.
 */
import { createScanner, type Node, parseTree, type ParseError, printParseErrorCode } from "jsonc-parser";
import { CONFIG_CHARS_MAX, CONFIG_DEPTH_MAX } from "./config-bounds.ts";
import type { ConfigPath } from "./config-finding.ts";
import { err, ok, type Result } from "../lib/result.ts";

export type TextFinding = {
  readonly path: ConfigPath;
  readonly offset: number;
  readonly problem: string;
  readonly fix: string;
};

export type JsoncDocument = {
  readonly value: unknown;
  /** Where the value at `path` starts, or its key, or, when it is missing, the nearest thing around it. */
  readonly offsetOf: (path: ConfigPath, part: "key" | "value") => number;
};

/** jsonc-parser's token numbers: its `SyntaxKind` is an ambient const enum, which isolated modules cannot read. */
const OPEN_BRACE = 1;
const CLOSE_BRACE = 2;
const OPEN_BRACKET = 3;
const CLOSE_BRACKET = 4;
const END = 17;

const SYNTAX_FIXES: Readonly<Record<string, string>> = {
  InvalidSymbol: "write strings in double quotes; only numbers, true, false and null go without",
  InvalidNumberFormat: "write a JSON number",
  PropertyNameExpected: "write a key in double quotes",
  ValueExpected: "write a value",
  ColonExpected: 'write ":" after the key',
  CommaExpected: 'write "," between the two',
  CloseBraceExpected: 'close the object with "}"',
  CloseBracketExpected: 'close the list with "]"',
  EndOfFileExpected: "remove what follows the closing brace",
  UnexpectedEndOfComment: 'end the comment with "*/"',
  UnexpectedEndOfString: "end the string with a double quote on the same line",
  UnexpectedEndOfNumber: "finish the number",
  InvalidUnicode: "write \\u and four hex digits",
  InvalidEscapeCharacter: "write \\\\ for a backslash",
  InvalidCharacter: "remove the control character",
};

export function readJsonc(source: string): Result<JsoncDocument, readonly TextFinding[]> {
  if (source.length > CONFIG_CHARS_MAX)
    return fail(0, `the file has ${source.length} characters`, `keep it to ${CONFIG_CHARS_MAX} characters`);
  // Some editors write a byte order mark; a space keeps every offset.
  const text = source.startsWith("\uFEFF") ? ` ${source.slice(1)}` : source;
  const tooDeepAt = offsetBeyondDepth(text);
  if (tooDeepAt !== null)
    return fail(tooDeepAt, "the file is nested too deep", `keep it to ${CONFIG_DEPTH_MAX} levels`);
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true, allowEmptyContent: false });
  const [first] = errors;
  // Only the first syntax error is real; the rest are its echo.
  if (first !== undefined) {
    const name = printParseErrorCode(first.error);
    return fail(
      Math.min(first.offset, text.length),
      `the syntax is wrong here`,
      SYNTAX_FIXES[name] ?? "write valid JSON",
    );
  }
  if (root === undefined) return fail(0, "the file is empty", 'start with "{"');
  const findings: TextFinding[] = [];
  const value = valueOf(root, [], findings);
  if (findings.length > 0) return err(findings);
  return ok({ value, offsetOf: (path, part) => offsetOf(root, path, part) });
}

function fail(offset: number, problem: string, fix: string): Result<never, readonly TextFinding[]> {
  return err([{ path: [], offset, problem, fix }]);
}

function offsetBeyondDepth(text: string): number | null {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (let token: number = scanner.scan(); token !== END; token = scanner.scan()) {
    if (token === OPEN_BRACE || token === OPEN_BRACKET) depth += 1;
    if (token === CLOSE_BRACE || token === CLOSE_BRACKET) depth -= 1;
    if (depth > CONFIG_DEPTH_MAX) return scanner.getTokenOffset();
  }
  return null;
}

function valueOf(node: Node, path: ConfigPath, findings: TextFinding[]): unknown {
  if (node.type === "array")
    return (node.children ?? []).map((child, index) => valueOf(child, [...path, index], findings));
  if (node.type !== "object") return node.value as unknown;
  const object: Record<string, unknown> = {};
  for (const { key, keyNode, valueNode } of members(node)) {
    const at = { path: [...path, key], offset: keyNode.offset };
    if (key === "__proto__") findings.push({ ...at, problem: "this key is not usable", fix: "choose another name" });
    else if (Object.hasOwn(object, key))
      findings.push({ ...at, problem: "this key stands here twice", fix: "keep one: the second would silently win" });
    else object[key] = valueOf(valueNode, [...path, key], findings);
  }
  return object;
}

function members(node: Node): { key: string; keyNode: Node; valueNode: Node }[] {
  return (node.children ?? []).flatMap((property) => {
    const [keyNode, valueNode] = property.children ?? [];
    return keyNode === undefined || valueNode === undefined ? [] : [{ key: String(keyNode.value), keyNode, valueNode }];
  });
}

function offsetOf(root: Node, path: ConfigPath, part: "key" | "value"): number {
  let node = root;
  let keyOffset = root.offset;
  for (const step of path) {
    if (typeof step === "number") {
      const child = node.type === "array" ? node.children?.[step] : undefined;
      if (child === undefined) return node.offset;
      node = child;
      keyOffset = child.offset;
    } else {
      const member = node.type === "object" ? members(node).find(({ key }) => key === step) : undefined;
      if (member === undefined) return node.offset;
      node = member.valueNode;
      keyOffset = member.keyNode.offset;
    }
  }
  return part === "key" ? keyOffset : node.offset;
}
