/**
 * Decides which strings of an event are pieces of a text that no protocol knows, such as a reasoning of a server's own.
 *
 * Model. By the names that servers give to such members (`answer-words.ts`), wherever they stand; in a delta every string
 * that is none of the members which come whole. Pieces of one place make one text. What is held of it goes out in a copy
 * of its last event, in which every other piece is empty.
 */
import { parseLong } from "../../../lib/json-source.ts";
import type { Json, OutEvent } from "./stream-events.ts";
import { isAtom, isPieceName, isWord } from "./answer-words.ts";
import { REPEATING } from "./answer-sites.ts";
import type { TextSite } from "./stream-format.ts";

/** Deeper than any delta. */
const DEPTH_MAX = 12;

/** Lists of whole things: a link of which a part is held back leads nowhere. */
const WHOLE: ReadonlySet<string> = new Set([...REPEATING, "annotations", "citations", "images", "error", "usage"]);

type Path = readonly (string | number)[];

export type PiecesIn = {
  readonly event: Json;
  /** Of such events; null: they have none. */
  readonly name: string | null;
  readonly root: unknown;
  /** Of the root in the event. */
  readonly path: Path;
  readonly group: string;
  /** Every string directly in the root counts. */
  readonly isDelta: boolean;
  /** What the protocol reads by itself. */
  readonly known: readonly TextSite[];
};

export function pieceSites({ event, name: eventName, root, path, group, isDelta, known }: PiecesIn): TextSite[] {
  const sites: TextSite[] = [];
  const paths: Path[] = [];
  const walk = (value: unknown, at: Path, place: string): void => {
    if (typeof value !== "object" || value === null || at.length > DEPTH_MAX) return;
    const isList = Array.isArray(value);
    for (const [name, inner] of Object.entries(value)) {
      const inPath = [...at, isList ? Number(name) : name];
      const innerPlace = `${place}.${isList ? indexOf(inner, name) : name}`;
      if (typeof inner !== "string") {
        if (isList || !WHOLE.has(name)) walk(inner, inPath, innerPlace);
        continue;
      }
      const isPiece = !isList && (isPieceName(name) || (isDelta && value === root && !isAtom(name)));
      if (!isPiece || isWord(name, inner)) continue;
      paths.push(inPath);
      const holder = value as Json;
      if (known.some((site) => site.holder === holder && site.member === name)) continue;
      const carry = (text: string): OutEvent => ({ event: eventName, data: copyWith(event, paths, inPath, text) });
      const channel = `${group}${innerPlace}`;
      const isArguments = name === "arguments" || name === "partial_json";
      sites.push({ channel, group, kind: "other", isArguments, holder, member: name, repeats: [], carry });
    }
  };
  walk(root, path, "");
  return sites;
}

const indexOf = (item: unknown, place: string): string => {
  const index = typeof item === "object" && item !== null ? (item as Json)["index"] : undefined;
  return typeof index === "number" ? String(index) : place;
};

function copyWith(event: Json, paths: readonly Path[], own: Path, text: string): Json {
  const copy = parseLong(JSON.stringify(event)) as Json;
  delete copy["usage"];
  for (const path of paths) set(copy, path, path === own ? text : "");
  return copy;
}

function set(root: Json, path: Path, text: string): void {
  let holder: unknown = root;
  for (const step of path.slice(0, -1)) holder = (holder as Record<string | number, unknown> | undefined)?.[step];
  const last = path.at(-1);
  if (typeof holder === "object" && holder !== null && last !== undefined) (holder as Json)[String(last)] = text;
}
