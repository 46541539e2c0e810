/**
 * The port of a rail that runs inside the isolate.
 *
 * Model. A rail is a pure function from the text that the model will see to findings: spans per text part and reasons.
 * It decides neither what a finding does (the policy's action does) nor when it runs, and it never returns a text, so
 * rails cannot overwrite each other. It takes linear time, and reads no more than its
 * budget (`budget.ts`): inside a Worker no clock could stop it.
 * Source: docs/reference/guardrails.md; docs/reference/sources.md, Matching in linear time.
 * Rejected: rails that return a verdict, which would let a rail block where the operator asked for a flag.
 */
import type { Span } from "./spans.ts";
import type { NormalText, TextForms } from "./text/normalise.ts";
import type { RailPolicy, RailResult } from "./verdict.ts";

/** One text that the model will see. */
export type TextPart = {
  /**
   * Where it is in the body, such as `messages[0].content[1].text`; unique in one body. Behind media in one text it goes
   * on as `….text~1`; a number has `#` behind it, and the name of a member is `{"name"}`.
   */
  readonly path: string;
  /**
   * Role of its message; "user" for a prompt or an input, "tool" for what a tool or a search has found, wherever it
   * stands, "tool_definition" for tools, "parameter" for ids and the like, "" where none is given.
   */
  readonly role: string;
  readonly text: string;
  /** Of those of its characters that are base64 in the place of media, which nobody counts as text. Absent: 0. */
  readonly encodedChars?: number;
};

/** Behind the path of a number, and before the name of a member. No path of a text ends or begins so. */
export const NUMBER_PATH_END = "#";
export const NAME_PATH_START = "{";

/** Paths of what is sent beside the body. No path in a body is like them. */
export const REQUEST_TARGET = "?";
export const REQUEST_HEADERS = ":";

/** Is there nothing to put in the place of what is found: then it can be refused, or left. */
const isFixed = (path: string): boolean =>
  path.endsWith(NUMBER_PATH_END) || path === REQUEST_TARGET || path === REQUEST_HEADERS;

/** Stands beside what is said: an id or a parameter, the name of a member, a number. It is read, and counts as no text. */
export const isAside = ({ path, role }: TextPart): boolean =>
  role === "parameter" || path.startsWith(NAME_PATH_START) || path.endsWith(NUMBER_PATH_END);

/**
 * What of a body the rails could not see.
 */
export type UnseenReason =
  /** Beyond the bounds. */
  | "too_many_parts"
  | "too_deep"
  /** Content that is no text. */
  | "token_ids"
  | "media"
  /** Nothing could be read, or a server may read it in another way. */
  | "not_json"
  /** Two members of one name: a server may take the other one. */
  | "repeated_members"
  /** Beyond the steps that the rail has. */
  | "budget"
  /** Of an answer: beyond the bound of what is read, or of a type or an encoding that nobody here reads. */
  | "too_large"
  | "other_type"
  | "other_encoding"
  /** More text in base64, escapes and the like than is read. */
  | "encoded";

/** What is known of a body before its texts are looked for. */
export type Unread = {
  readonly reasons: readonly UnseenReason[];
  /** Bytes that may be text and were not counted as such. */
  readonly bytes: number;
};

export const ALL_READ: Unread = { reasons: [], bytes: 0 };

export type RailInput = {
  readonly parts: readonly TextPart[];
  readonly messageCount: number;
  readonly unseen: readonly UnseenReason[];
  /** What is sent beside the body and is not written anew: `REQUEST_TARGET`, `REQUEST_HEADERS`. Absent: nothing. */
  readonly beside?: readonly TextPart[];
  /** What a part says in another way, by its path: behind a disguise, escapes, an encoding. */
  readonly views?: ReadonlyMap<string, readonly NormalText[]>;
  /** Characters, or bytes, that a model may read as text and that are in no part. Absent: 0. */
  readonly unreadBytes?: number;
  /** What the rails of this request remember of its texts for each other. Absent: nothing. */
  readonly forms?: TextForms;
  /** Whose body has members that nobody here knows: then every string in it counts. Absent: no. */
  readonly everyMember?: boolean;
};

/** A finding before the policy says what it does: a span without rail and action. */
export type FoundSpan = Omit<Span, "rail" | "action">;

export type RailFindings = {
  /** By path of the text part; a part without findings has no entry. */
  readonly spans: ReadonlyMap<string, readonly FoundSpan[]>;
  /** Machine-readable codes that may be logged and shown to the client; never a piece of the text. */
  readonly reasons: readonly string[];
  /** The budget ended before the text did. Absent: no. */
  readonly isCut?: boolean;
};

/**
 * The result of a rail that finished: its policy's action if it found anything, else allow. `unseen`: what the rail
 * would have had to see as well; then only a block is final, as it is of a rail that was cut.
 */
export function railResult(
  policy: RailPolicy,
  findings: RailFindings,
  tookMs: number,
  unseen: readonly UnseenReason[] = [],
): RailResult {
  const isCut = findings.isCut === true;
  const unread: readonly UnseenReason[] = isCut ? [...unseen, "budget"] : unseen;
  const found = findings.reasons.length > 0 || findings.spans.size > 0;
  const spans = [...findings.spans].map(
    ([path, list]) => [path, list.map((span) => withPolicy(span, policy, path))] as const,
  );
  const isLeft = policy.action === "redact" && spans.length > 0 && spans.every(([path]) => isFixed(path));
  const verdict = !found ? "allow" : isLeft ? "flag" : policy.action;
  return {
    rail: policy.rail,
    verdict,
    spans: new Map(spans),
    reasons: unread.length === 0 ? findings.reasons : [...findings.reasons, ...unread.map(unreadCode)],
    status: unread.length === 0 || verdict === "block" ? "done" : isCut ? "budget" : "unread",
    tookMs,
    ...(unread.length > 0 && unread.every((reason) => reason === "media") ? { onlyMedia: true } : {}),
  };
}

const UNREAD = "unread:";

const unreadCode = (reason: UnseenReason): string => UNREAD + reason;

/** What was not read, by the reasons of a stage. */
export function unreadIn(reasons: readonly string[]): readonly string[] {
  return reasons.flatMap((reason) => (reason.startsWith(UNREAD) ? [reason.slice(UNREAD.length)] : []));
}

/** A rail that judges less than all: what it may leave unseen, because it counts it or reads the body by itself. */
const MAY_BE_UNSEEN: Readonly<Record<string, ReadonlySet<UnseenReason>>> = {
  // Media and token ids are no text, the bounds are its own findings, and the bytes of the rest bound its characters.
  size: new Set(["too_many_parts", "too_deep", "token_ids", "media", "not_json", "repeated_members", "encoded"]),
  // Of what is no JSON it says so; it holds the whole body to the schema, whatever is in it.
  schema: new Set(["too_many_parts", "too_deep", "token_ids", "media", "not_json", "encoded"]),
};

/** What this rail would have had to see. `use`: which rail it is. */
export function unreadBy(use: string, unseen: readonly UnseenReason[]): readonly UnseenReason[] {
  const spared = Object.hasOwn(MAY_BE_UNSEEN, use) ? MAY_BE_UNSEEN[use] : undefined;
  return spared === undefined ? unseen : unseen.filter((reason) => !spared.has(reason));
}

function withPolicy(span: FoundSpan, { rail, action }: RailPolicy, path: string): Span {
  return { ...span, rail, action: action === "redact" && isFixed(path) ? "flag" : action };
}
