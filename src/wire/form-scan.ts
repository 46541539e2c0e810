/**
 * Reads a form (multipart/form-data) as it comes: which parts it has, what its texts say, and where each is.
 *
 * Model. One pass over pieces of any size; what of a piece cannot be decided yet is kept, and is never more than a header.
 * Read strictly, because the endpoint reads the same bytes with another parser, and whatever two of them may take for two
 * things has gone past the rails for one of them: a delimiter behind a bare LF, or with more behind it, a name that is
 * there twice or is written in another way, a text in another encoding, a file in the place of a text. No client sends such.
 * Source: RFC 7578, RFC 2046 5.1.1, and how the clients of OpenAI's API write forms.
 * Rejected: `Request.formData()`, which holds the whole body and says nothing of where a part is.
 */
import { joined } from "../lib/bytes.ts";

/** Parts of one form: 16 pictures and every option that there is are fewer. */
export const FORM_PARTS_MAX = 64;
/** The lines before a part's content. */
export const PART_HEADER_BYTES_MAX = 4_096;
/** One text of a form: the longest prompt of an image is 32,000 characters. */
export const FORM_TEXT_BYTES_MAX = 262_144;
/** RFC 2046 5.1.1. */
const BOUNDARY_CHARS_MAX = 70;

export type FormPart = {
  readonly name: string;
  /** Null: it is a text. */
  readonly filename: string | null;
  /** As its header says; null: none. */
  readonly type: string | null;
  /** Of its content, in bytes from the form's beginning. */
  readonly start: number;
  /** Behind it; null: it goes on. */
  end: number | null;
  /** Of a text that has ended; else null. */
  text: string | null;
};

/** The words for them: `gateway/form-problems.ts`. */
export type FormProblem =
  /** It does not begin with its boundary, or ends without it. */
  | "no_start"
  | "no_end"
  /** The boundary stands where it is none, or something behind the last. */
  | "boundary"
  | "header"
  | "name"
  | "too_many_parts"
  | "text_too_long"
  | "text_encoding"
  | "not_a_file"
  | "twice";

/** Written in place. */
export type FormScan = {
  readonly parts: FormPart[];
  /** The part whose content goes on; null: none. */
  open: FormPart | null;
  readonly delimiter: Uint8Array;
  state: "start" | "line" | "header" | "content" | "end";
  /** Not decided yet. */
  kept: Uint8Array;
  /** Bytes before `kept`. */
  at: number;
  readonly texts: Uint8Array[];
  textBytes: number;
};

/** Of a Content-Type header; null: it names none, or is of no form. */
export function boundaryOf(contentType: string | null): string | null {
  const [, parameters] = /^\s*multipart\/form-data\s*(;.*)$/i.exec(contentType ?? "") ?? [];
  const named = [...(parameters ?? "").matchAll(/;\s*boundary\s*=\s*(?:"([^"\\]*)"|([^\s;"]*))/gi)];
  const boundary = named[0]?.[1] ?? named[0]?.[2] ?? "";
  const isOne = named.length === 1 && boundary.length <= BOUNDARY_CHARS_MAX;
  return isOne && /^[\w'()+,./:=? -]*[\w'()+,./:=?-]$/.test(boundary) ? boundary : null;
}

export function createFormScan(boundary: string): FormScan {
  return {
    parts: [],
    open: null,
    delimiter: new TextEncoder().encode(`--${boundary}`),
    state: "start",
    kept: new Uint8Array(0),
    at: 0,
    texts: [],
    textBytes: 0,
  };
}

/** Null: so far it is a form. Nothing is scanned behind a problem. */
export function scan(form: FormScan, piece: Uint8Array): FormProblem | null {
  const bytes = form.kept.byteLength === 0 ? piece : joined([form.kept, piece]);
  let from = 0;
  for (;;) {
    const step = STEPS[form.state](form, bytes, from);
    if (typeof step === "string") return step;
    from = step.from;
    if (!step.isMoving) break;
  }
  form.kept = bytes.slice(from);
  form.at += from;
  return null;
}

/** Nothing more comes. */
export const endScan = ({ state, kept }: FormScan): FormProblem | null =>
  state === "end" && (kept.byteLength === 0 || isLineEnd(kept, 0)) ? null : state === "start" ? "no_start" : "no_end";

/** `from`: what is before it is read. `isMoving` false: more must come. */
type Step = { readonly from: number; readonly isMoving: boolean } | FormProblem;

const STEPS: Readonly<Record<FormScan["state"], (form: FormScan, bytes: Uint8Array, from: number) => Step>> = {
  start: readStart,
  line: readLine,
  header: readHeader,
  content: readContent,
  end: readEnd,
};

const CR = 0x0d;
const LF = 0x0a;
const DASH = 0x2d;
/** CRLF, or the two dashes of the last delimiter. */
const LINE_BYTES = 2;

const HEADER_AND_END_BYTES = PART_HEADER_BYTES_MAX + 2 * LINE_BYTES;

const isLineEnd = (bytes: Uint8Array, at: number): boolean => bytes[at] === CR && bytes[at + 1] === LF;
const wait = (from: number): Step => ({ from, isMoving: false });

function readStart(form: FormScan, bytes: Uint8Array, from: number): Step {
  const { length } = form.delimiter;
  const isThere = startsAt(bytes, from, form.delimiter);
  if (bytes.byteLength - from < length) return isThere ? wait(from) : "no_start";
  if (!isThere) return "no_start";
  form.state = "line";
  return { from: from + length, isMoving: true };
}

/** Behind a delimiter. */
function readLine(form: FormScan, bytes: Uint8Array, from: number): Step {
  if (bytes.byteLength - from < LINE_BYTES) return wait(from);
  const isLast = bytes[from] === DASH && bytes[from + 1] === DASH;
  if (!isLast && !isLineEnd(bytes, from)) return "boundary";
  form.state = isLast ? "end" : "header";
  return { from: from + LINE_BYTES, isMoving: true };
}

function readHeader(form: FormScan, bytes: Uint8Array, from: number): Step {
  if (isLineEnd(bytes, from)) return "header";
  const end = headerEnd(bytes, from);
  if (end === null) return bytes.byteLength - from < HEADER_AND_END_BYTES ? wait(from) : "header";
  const start = end + 2 * LINE_BYTES;
  const part = partOf(bytes.subarray(from, end), form.at + start);
  if (typeof part === "string") return part;
  if (form.parts.length === FORM_PARTS_MAX) return "too_many_parts";
  if (!mayRepeat(part) && form.parts.some(({ name }) => name === part.name)) return "twice";
  form.parts.push(part);
  form.open = part;
  form.state = "content";
  form.textBytes = 0;
  form.texts.length = 0;
  return { from: start, isMoving: true };
}

/** Where the empty line begins; null: it is not there yet. */
function headerEnd(bytes: Uint8Array, from: number): number | null {
  const last = Math.min(bytes.byteLength, from + HEADER_AND_END_BYTES);
  for (let at = from; at + 3 < last; at += 1) {
    if (isLineEnd(bytes, at) && isLineEnd(bytes, at + LINE_BYTES)) return at;
  }
  return null;
}

/** Lists, and pictures, which some clients send under one name. */
const mayRepeat = ({ name, filename }: FormPart): boolean =>
  name.endsWith("[]") || (filename !== null && name === "image");

function readContent(form: FormScan, bytes: Uint8Array, from: number): Step {
  const { delimiter, open } = form;
  if (open === null) return "no_end";
  // Some take it for the end of an empty part.
  if (form.at + from === open.start) {
    if (bytes.byteLength - from < delimiter.length && startsAt(bytes, from, delimiter)) return wait(from);
    if (startsAt(bytes, from, delimiter)) return "boundary";
  }
  for (let at = bytes.indexOf(LF, from); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (!startsAt(bytes, at + 1, delimiter)) continue;
    const hasCr = at > from && bytes[at - 1] === CR;
    // All of it is not here yet.
    if (bytes.byteLength - at - 1 < delimiter.length) return take(form, bytes, from, hasCr ? at - 1 : at);
    if (!hasCr) return "boundary";
    const taken = take(form, bytes, from, at - 1);
    if (typeof taken === "string") return taken;
    const problem = close(form, open, form.at + at - 1);
    if (problem !== null) return problem;
    form.state = "line";
    return { from: at + 1 + delimiter.length, isMoving: true };
  }
  const end = bytes.byteLength;
  return take(form, bytes, from, end > from && bytes[end - 1] === CR ? end - 1 : end);
}

/** Content up to `to`; the rest is not decided. */
function take(form: FormScan, bytes: Uint8Array, from: number, to: number): Step {
  if (form.open?.filename === null) {
    form.textBytes += to - from;
    if (form.textBytes > FORM_TEXT_BYTES_MAX) return "text_too_long";
    form.texts.push(bytes.slice(from, to));
  }
  return wait(to);
}

function close(form: FormScan, part: FormPart, end: number): FormProblem | null {
  part.end = end;
  form.open = null;
  if (part.filename !== null) return null;
  const text = utf8(joined(form.texts));
  if (text === null) return "text_encoding";
  part.text = text;
  return null;
}

/** A line end may follow, and nothing else. */
function readEnd(_form: FormScan, bytes: Uint8Array, from: number): Step {
  const left = bytes.byteLength - from;
  const isOne = left === 0 || (left === 1 && bytes[from] === CR) || (left === LINE_BYTES && isLineEnd(bytes, from));
  return isOne ? wait(from) : "boundary";
}

/** Does `bytes` go on with it at `at`, as far as it goes. */
function startsAt(bytes: Uint8Array, at: number, delimiter: Uint8Array): boolean {
  const length = Math.min(delimiter.length, bytes.byteLength - at);
  for (let index = 0; index < length; index += 1) if (bytes[at + index] !== delimiter[index]) return false;
  return true;
}

const HEADER_LINE = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([^\r\n]*)$/;
/** What the fields of these APIs are called: nothing that needs an escape. SDKs write members of members as `a[b][c]`. */
const NAME = /^[\w.-]{1,64}(?:\[\w{0,64}\]){0,4}$/;
/** Parts that may be files. */
const FILES = /^(?:file|image|mask|markup)(?:\[\w*\])?$/;

function partOf(header: Uint8Array, start: number): FormPart | FormProblem {
  const lines = utf8(header)
    ?.split("\r\n")
    .map((line) => HEADER_LINE.exec(line)) ?? [null];
  const values = (name: string): readonly string[] =>
    lines.flatMap((line) => (line?.[1]?.toLowerCase() === name ? [line[2] ?? ""] : []));
  const [disposition, ...more] = values("content-disposition");
  const [type = null, ...moreTypes] = values("content-type");
  if (lines.includes(null) || disposition === undefined || more.length + moreTypes.length > 0) return "header";
  const [, parameters] =
    /^form-data\s*((?:;\s*[\w*-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;"]+)\s*)*)$/i.exec(disposition) ?? [];
  if (parameters === undefined) return "header";
  const named = [...parameters.matchAll(/;\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/g)].map(
    ([, name = "", quoted, bare]) => [name.toLowerCase(), quoted ?? bare ?? ""] as const,
  );
  const by = new Map(named);
  if (by.size < named.length || by.has("name*")) return "header";
  const name = by.get("name") ?? "";
  if (!NAME.test(name)) return "name";
  const filename = by.get("filename") ?? by.get("filename*") ?? null;
  if (filename !== null && !FILES.test(name)) return "not_a_file";
  const isCoded = values("content-transfer-encoding").some((coding) => !/^(?:binary|[78]bit)$/i.test(coding.trim()));
  if (isCoded || (filename === null && hasCharset(type))) return "text_encoding";
  return { name, filename, type, start, end: null, text: null };
}

const hasCharset = (type: string | null): boolean =>
  [...(type ?? "").matchAll(/charset\s*=\s*["']?([^\s"';,]*)/gi)].some(
    ([, charset = ""]) => !/^(?:utf-?8|us-ascii)$/i.test(charset),
  );

function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
