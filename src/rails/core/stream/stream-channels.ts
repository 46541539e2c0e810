/**
 * The texts of one answer that are being generated side by side, each with its filter: pieces in, changed events out.
 */
import { createArgumentsFilter } from "./stream-arguments.ts";
import { decoding } from "./stream-encoded.ts";
import { REPEATING } from "./answer-sites.ts";
import type { AnswerSite } from "./answer-sites.ts";
import { createTextFilter } from "./stream-filter.ts";
import type { TextFilter } from "./stream-filter.ts";
import type { Json, OutEvent } from "./stream-events.ts";
import type { TextSite } from "./stream-format.ts";
import type { MustRead } from "./stream-guard.ts";
import { createTally } from "./stream-record.ts";
import type { StreamTally } from "./stream-record.ts";
import { NO_ORIGINALS, restoring } from "./stream-restore.ts";
import type { Originals } from "./stream-restore.ts";
import type { StreamScanner } from "./stream-scanner.ts";
import type { StreamBlock } from "./stream-text.ts";
import { checkWhole, createWholeText } from "./stream-whole.ts";
import type { WholeRail } from "./stream-whole.ts";

export type Channel = {
  readonly name: string;
  readonly group: string;
  readonly kind: string;
  readonly filter: TextFilter;
  /** Writes an event for text that is released without one of its own. */
  carry: TextSite["carry"];
  /** The text has ended as it should: says what blocks the answer now that all of it is there. */
  readonly end: () => StreamBlock | null;
};

/** What looks at the texts of an answer. */
export type AnswerRails = {
  /** The same array for all answers of a pool, so that its tables are made once. */
  readonly scanners: readonly StreamScanner[];
  readonly wholes?: readonly WholeRail[];
  /** Placeholders to be replaced behind the rails. */
  readonly originals?: Originals;
  /** Which rail must see what cannot be read. Absent: none. */
  readonly mustRead?: MustRead;
};

const NOBODY: MustRead = () => null;

export type Channels = {
  readonly rails: Required<AnswerRails>;
  readonly tally: StreamTally;
  readonly byName: Map<string, Channel>;
};

/** Texts of one answer (choices times kinds, tool calls, items): far more than any answer has. */
const CHANNELS_MAX = 4096;

export function createChannels(
  { scanners, wholes = [], originals = NO_ORIGINALS, mustRead = NOBODY }: AnswerRails,
  tally: StreamTally,
): Channels {
  return { rails: { scanners, wholes, originals, mustRead }, tally, byName: new Map() };
}

/** The channel of a piece of text; null if the answer has too many. */
export function channelOf({ rails, tally, byName }: Channels, site: TextSite): Channel | null {
  const known = byName.get(site.channel);
  if (known !== undefined) {
    known.carry = site.carry;
    return known;
  }
  if (byName.size >= CHANNELS_MAX) return null;
  const { channel: name, group, kind, carry } = site;
  const plain = filterOf(rails, site.isArguments, tally);
  const wholes = wholesFor(rails.wholes, isAnswer(site.member, kind));
  const whole = wholes.length === 0 ? null : createWholeText(wholes, tally);
  const filter: TextFilter =
    whole === null ? plain : { ...plain, push: (piece) => (whole.push(piece), plain.push(piece)) };
  const channel = { name, group, kind, filter, carry, end: () => whole?.end() ?? null };
  byName.set(name, channel);
  return channel;
}

function filterOf(
  { scanners, originals }: Required<AnswerRails>,
  isArguments: boolean,
  tally: StreamTally,
): TextFilter {
  const filter = (isArguments ? createArgumentsFilter : createTextFilter)(scanners, tally);
  return restoring(decoding(filter, scanners, tally), originals, isArguments);
}

export function wholesFor(wholes: readonly WholeRail[], isAnswerText: boolean): readonly WholeRail[] {
  return isAnswerText ? wholes : wholes.filter(({ onlyAnswers }) => !onlyAnswers);
}

/** What the model says, by the member that holds it: in events of the Responses API all texts are called `delta`. */
function isAnswer(member: string, kind: string): boolean {
  return kind !== "other" && (member === "content" || member === "text" || kind === "response.output_text");
}

/** Channels of the same group, of other kinds: their text ended when this one began. */
export function channelsBefore({ byName }: Channels, site: TextSite): Channel[] {
  if (byName.has(site.channel)) return [];
  return [...byName.values()].filter(({ group, kind }) => group === site.group && kind !== site.kind);
}

export function channelsIn({ byName }: Channels, ends: readonly string[] | "all"): Channel[] {
  if (ends.length === 0) return [];
  return [...byName.values()].filter(({ group }) => ends === "all" || ends.includes(group));
}

/** The held text of a channel as an event of its own; null if there is none. */
export function flushed(channel: Channel): OutEvent | null {
  const text = channel.filter.flush();
  return text === "" ? null : channel.carry(text);
}

/** Puts a text where it came from and removes what repeats the one before. */
export function putText(holder: Json, member: string, text: string, repeats: readonly Json[]): void {
  holder[member] = text;
  for (const repeat of repeats) {
    for (const name of REPEATING) {
      if (repeat[name] !== undefined && repeat[name] !== null) repeat[name] = Array.isArray(repeat[name]) ? [] : null;
    }
  }
}

/**
 * A whole text that comes again, filtered as its pieces were. Its findings are counted only if no piece came. Says
 * whether it changed, or what blocks.
 */
export function filterCopy(channels: Channels, { holder, member, form, repeats }: AnswerSite): boolean | StreamBlock {
  const text = holder[member];
  if (typeof text !== "string") return false;
  const isFirst = channels.byName.size === 0;
  const tally = isFirst ? channels.tally : createTally(channels.tally.failed);
  const filter = filterOf(channels.rails, form === "arguments", tally);
  const shown = filter.push(text) + filter.flush();
  const wholes = isFirst ? wholesFor(channels.rails.wholes, form === "text" && member === "text") : [];
  const blocked = filter.blocked() ?? checkWhole(wholes, text, tally);
  if (blocked !== null) return blocked;
  if (shown !== text) putText(holder, member, shown, repeats);
  return shown !== text;
}
