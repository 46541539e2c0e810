/**
 * Reads `multipart/form-data` (RFC 7578, RFC 2046) as it comes: pieces of bytes in, events out, and never more of a part
 * in memory than one piece and the length of a delimiter.
 *
 * Model. A part ends at CRLF, two hyphens and the boundary, so of what has come all but the last bytes that could begin a
 * delimiter is the part's. The first delimiter may stand at the very start: it is read as if a CRLF came before it.
 * Names are read as browsers and SDKs write them: quoted, with `%22` for a quote, or with a backslash before it.
 * Rejected: `Request.formData()`, which holds all of a file in memory.
 */

/** Bytes of a part's headers: a name and a file's name. */
export const PART_HEADERS_BYTES_MAX = 8_192;
/** Parts of one body. */
export const PARTS_MAX = 128;
/** RFC 2046, 5.1.1. */
export const BOUNDARY_CHARS_MAX = 70;

export type PartHead = {
  /** Of the form's field. */
  readonly name: string;
  /** Null: it is no file. */
  readonly filename: string | null;
  /** Lower case; null: none was given. */
  readonly contentType: string | null;
};

export type MultipartEvent =
  | { readonly kind: "part"; readonly head: PartHead }
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  | { readonly kind: "part_end" }
  /** The last delimiter came: what follows means nothing. */
  | { readonly kind: "end" }
  /** Nothing more is read. */
  | { readonly kind: "broken"; readonly problem: MultipartProblem };

export type MultipartProblem = "no_delimiter" | "headers_too_large" | "no_name" | "too_many_parts";

export type MultipartReader = {
  /** What the next bytes bring. A piece may be kept by the events: it must not be written to afterwards. */
  push(bytes: Uint8Array): readonly MultipartEvent[];
  /** False: the body ended before its last delimiter, or was broken. */
  readonly isEnded: boolean;
};

const BOUNDARY = /;\s*boundary=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/i;

/** Of a Content-Type; null: it is no form, or names no boundary. */
export function boundaryOf(contentType: string | null): string | null {
  if (contentType === null || !/^\s*multipart\/form-data\s*(?:;|$)/i.test(contentType)) return null;
  const [, quoted, plain] = BOUNDARY.exec(contentType) ?? [];
  const boundary = quoted?.replaceAll(/\\(.)/g, "$1") ?? plain ?? "";
  return boundary === "" || boundary.length > BOUNDARY_CHARS_MAX ? null : boundary;
}

const [CR, LF, HYPHEN] = [13, 10, 45];

/** Before the first delimiter, behind one, in a part's headers, in its body, behind the last. */
type State = "preamble" | "delimited" | "headers" | "body" | "over";

export function createMultipartReader(boundary: string): MultipartReader {
  const delimiter = new TextEncoder().encode(`\r\n--${boundary}`);
  let rest: Uint8Array = Uint8Array.of(CR, LF);
  let state: State = "preamble";
  let [parts, isEnded] = [0, false];

  function broken(events: MultipartEvent[], problem: MultipartProblem): boolean {
    state = "over";
    events.push({ kind: "broken", problem });
    return false;
  }

  /** False: more bytes are needed. */
  function untilDelimiter(events: MultipartEvent[]): boolean {
    const at = indexOf(rest, delimiter);
    const sure = at === -1 ? Math.max(0, rest.byteLength - delimiter.byteLength + 1) : at;
    if (state === "body" && sure > 0) events.push({ kind: "data", bytes: rest.subarray(0, sure) });
    rest = rest.subarray(at === -1 ? sure : at + delimiter.byteLength);
    if (at === -1) return false;
    if (state === "body") events.push({ kind: "part_end" });
    state = "delimited";
    return true;
  }

  function behindDelimiter(events: MultipartEvent[]): boolean {
    if (rest.byteLength < 2) return false;
    if (rest[0] === HYPHEN && rest[1] === HYPHEN) {
      state = "over";
      isEnded = true;
      events.push({ kind: "end" });
      return false;
    }
    // Spaces may stand before the line's end.
    const at = rest.indexOf(LF);
    if (at === -1) return rest.byteLength > PART_HEADERS_BYTES_MAX ? broken(events, "no_delimiter") : false;
    if (rest[at - 1] !== CR || rest.subarray(0, at - 1).some((byte) => byte !== 32 && byte !== 9)) {
      return broken(events, "no_delimiter");
    }
    parts += 1;
    if (parts > PARTS_MAX) return broken(events, "too_many_parts");
    // The line's end stays: a part without headers ends them with it.
    rest = rest.subarray(at - 1);
    state = "headers";
    return true;
  }

  function inHeaders(events: MultipartEvent[]): boolean {
    const at = indexOf(rest, HEADERS_END);
    if ((at === -1 ? rest.byteLength : at) > PART_HEADERS_BYTES_MAX) return broken(events, "headers_too_large");
    if (at === -1) return false;
    const head = headOf(new TextDecoder().decode(rest.subarray(0, at)));
    if (head === null) return broken(events, "no_name");
    events.push({ kind: "part", head });
    rest = rest.subarray(at + HEADERS_END.byteLength);
    state = "body";
    return true;
  }

  return {
    push(bytes) {
      const events: MultipartEvent[] = [];
      if (state === "over") return events;
      rest = rest.byteLength === 0 ? bytes : joinedTwo(rest, bytes);
      for (let goesOn = true; goesOn;) {
        if (state === "delimited") goesOn = behindDelimiter(events);
        else if (state === "headers") goesOn = inHeaders(events);
        else goesOn = untilDelimiter(events);
      }
      return events;
    },
    get isEnded() {
      return isEnded;
    },
  };
}

const HEADERS_END = Uint8Array.of(CR, LF, CR, LF);

function headOf(text: string): PartHead | null {
  let name: string | null = null;
  let filename: string | null = null;
  let contentType: string | null = null;
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    const field = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (field === "content-type") contentType = value.toLowerCase();
    if (field !== "content-disposition" || !/^form-data\s*;/i.test(value)) continue;
    name = parameter(value, "name");
    filename = parameter(value, "filename") ?? extended(parameter(value, "filename*"));
  }
  return name === null ? null : { name, filename, contentType };
}

function parameter(value: string, wanted: string): string | null {
  for (const [, name = "", quoted, plain = ""] of value.matchAll(PARAMETER)) {
    if (name.toLowerCase() !== wanted) continue;
    if (quoted === undefined) return plain;
    return quoted.replaceAll(/\\(["\\])/g, "$1").replaceAll(/%(22|0D|0A)/gi, (whole) => decodeURIComponent(whole));
  }
  return null;
}

/** RFC 5987, as some clients write a name that is not ASCII. */
function extended(value: string | null): string | null {
  if (value === null) return null;
  try {
    return decodeURIComponent(value.replace(/^utf-8'[^']*'/i, ""));
  } catch {
    return value;
  }
}

const PARAMETER = /;\s*([^\s=;"]+)=(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g;

/** A delimiter has one carriage return, its first byte: what was compared in vain is not compared again. */
function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let at = bytes.indexOf(CR); at !== -1; at = bytes.indexOf(CR, at + 1)) {
    if (at + wanted.byteLength > bytes.byteLength) return -1;
    let same = 1;
    while (same < wanted.byteLength && bytes[at + same] === wanted[same]) same += 1;
    if (same === wanted.byteLength) return at;
  }
  return -1;
}

function joinedTwo(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.byteLength + second.byteLength);
  both.set(first);
  both.set(second, first.byteLength);
  return both;
}
