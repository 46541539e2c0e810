/**
 * Rewrites the event stream of an answer while it passes: of its text only what the rails have released, and all else
 * as the server wrote it.
 *
 * Model. Events are handled one by one, so it does not matter how the bytes were cut into chunks. An event whose text
 * is released unchanged goes out as it is. Held text goes out, at the latest, before the event that ends it: a finish
 * reason, the stop of a block, `[DONE]`, an error. A block ends the stream as its protocol does.
 * Source: docs/reference/guardrails.md; docs/reference/sources.md, Cost of parts ("handle all events of a network read at once").
 */
import { createSseSplitter, drainPending, readEvent, restOf, splitEvents, withoutBom } from "../../../lib/sse.ts";
import type { SseSplitter } from "../../../lib/sse.ts";
import { withData, writeEvent } from "../../../lib/sse-write.ts";
import {
  channelOf,
  channelsBefore,
  channelsIn,
  createChannels,
  filterCopy,
  flushed,
  putText,
} from "./stream-channels.ts";
import type { AnswerRails, Channel, Channels } from "./stream-channels.ts";
import { anyJson, parseJson } from "./stream-events.ts";
import type { Json, OutEvent } from "./stream-events.ts";
import type { RailedFormat } from "./stream-events.ts";
import type { Reading, StreamFormat, TextSite } from "./stream-format.ts";
import { anthropicFormat } from "./stream-anthropic.ts";
import { anyFormat } from "./stream-any.ts";
import { transcriptFormat } from "./stream-transcript.ts";
import { hasRepeatedMembers } from "../text/repeated-members.ts";
import { createSides, endSides, isCleanPadding, lookAtLines, lookBeside } from "./stream-sides.ts";
import type { Sides } from "./stream-sides.ts";
import { noteUnread } from "./stream-guard.ts";
import { chatFormat, completionsFormat } from "./stream-openai.ts";
import { responsesFormat } from "./stream-responses.ts";
import { createTally, recordOf } from "./stream-record.ts";
import type { StreamRecord, StreamTally } from "./stream-record.ts";
import { learnTemplate, matchTemplate } from "./stream-template.ts";
import type { Template } from "./stream-template.ts";
import type { StreamBlock } from "./stream-text.ts";

export type StreamRails = {
  /**
   * The next piece of the answer, decoded as UTF-8 with the byte order mark kept. `out` is what to send now; if it
   * equals `text`, send the bytes as they came. Once `blocked` is set: send `out`, stop the upstream, and close.
   */
  push(text: string): Pushed;
  /** The upstream ended: what is left. A last event that was cut off is dropped. */
  end(): Pushed;
  record(): StreamRecord;
  /** Has the model said anything yet, held back or not. */
  hasText(): boolean;
};

export type Pushed = { readonly out: string; readonly blocked: StreamBlock | null };

export type StreamRailsOptions = AnswerRails & { readonly format: RailedFormat };

/** Templates that are remembered: the choices of one answer come in turns, each with its own. */
const TEMPLATES_MAX = 4;

/** After so many events of which none fitted a template, no more are learned: this server varies its JSON. */
const LEARN_TRIES_MAX = 8;

/** A longer event is not read: some million tokens of text, or a picture. The isolate holds it a few times over. */
export const EVENT_UNITS_MAX = 4 * 1024 * 1024;

const DONE = "[DONE]";

type State = {
  readonly format: StreamFormat;
  readonly channels: Channels;
  readonly tally: StreamTally;
  readonly splitter: SseSplitter;
  readonly sides: Sides;
  /** An event is under way that is too long to be read. */
  isPassing: boolean;
  templates: readonly Template[];
  learnTries: number;
  /** Events of ours that took a sequence number. */
  inserted: number;
  wasRewritten: boolean;
  blocked: StreamBlock | null;
};

export function createStreamRails({ format, ...rails }: StreamRailsOptions): StreamRails {
  const tally = createTally();
  const channels = createChannels(rails, tally);
  const state: State = {
    format: FORMATS[format](),
    channels,
    tally,
    // Bounded below: what is too long is passed on, or ends the answer.
    splitter: createSseSplitter({ eventUnitsMax: Number.POSITIVE_INFINITY }),
    sides: createSides(channels.rails, tally),
    isPassing: false,
    templates: [],
    learnTries: 0,
    inserted: 0,
    wasRewritten: false,
    blocked: null,
  };
  return {
    push: (text) => pushStream(state, text),
    end: () => endStream(state),
    record: () => recordOf(tally),
    hasText: () => tally.pieces > 0,
  };
}

const FORMATS: Readonly<Record<RailedFormat, () => StreamFormat>> = {
  chat: chatFormat,
  completions: completionsFormat,
  responses: responsesFormat,
  anthropic: anthropicFormat,
  transcript: transcriptFormat,
  any: anyFormat,
};

function pushStream(state: State, text: string): Pushed {
  if (state.blocked !== null) return { out: "", blocked: state.blocked };
  const split = splitEvents(state.splitter, text);
  let out = "";
  for (const raw of split.ok ? split.value : split.error.events) {
    out += state.isPassing || raw.length > EVENT_UNITS_MAX ? passLong(state, raw) : handlePart(state, raw);
    state.isPassing = false;
    if (state.blocked !== null) return { out, blocked: state.blocked };
  }
  if (!state.isPassing && state.splitter.pendingUnits <= EVENT_UNITS_MAX) return { out, blocked: null };
  out += passLong(state, drainPending(state.splitter));
  state.isPassing = true;
  return { out, blocked: null };
}

/** An event, or a part of one, that is too long to be looked at: it passes, unless a rail must see it. */
function passLong(state: State, raw: string): string {
  noteUnread("too_large", state.channels.rails.mustRead, state.tally);
  state.wasRewritten = false;
  return raw;
}

/** What goes out for one part of the stream. */
function handlePart(state: State, raw: string): string {
  // The second half of a line break, whose first half went out or did not.
  if (raw === "\n") return state.wasRewritten ? "" : raw;
  const template = templateFor(state.templates, raw);
  const out = template === undefined ? handleEvent(state, raw) : fillTemplate(state, raw, template);
  state.wasRewritten = out !== raw;
  return out;
}

function fillTemplate(state: State, raw: string, template: Template): string {
  const { channel: name, textStart, textEnd, paddingStart, paddingEnd } = template;
  // Padding is a few random letters; whatever else it may be, the event is then read with care.
  if (paddingEnd > paddingStart && !isCleanPadding(state.sides, raw.slice(paddingStart, paddingEnd)))
    return handleEvent(state, raw);
  const text = raw.slice(textStart, textEnd);
  const channel = state.channels.byName.get(name);
  const shown = channel?.filter.push(text) ?? text;
  state.blocked = channel?.filter.blocked() ?? null;
  if (state.blocked !== null && channel !== undefined) {
    const note = parseJson(dataOf(raw) ?? "");
    if (note !== null) state.format.note(note, false);
    return carried(channel, shown) + closingOf(state);
  }
  return shown === text ? raw : raw.slice(0, textStart) + JSON.stringify(shown).slice(1, -1) + raw.slice(textEnd);
}

/** Some clients skip a byte order mark wherever it stands, and read what is behind it. So do the rails. */
function dataOf(raw: string): string | null {
  return readEvent(withoutBom(raw))?.data ?? null;
}

function templateFor(templates: readonly Template[], raw: string): Template | undefined {
  for (const template of templates) if (matchTemplate(template, raw)) return template;
  return undefined;
}

function carried(channel: Channel, text: string): string {
  return text === "" ? "" : writeEvent(channel.carry(text));
}

/** What goes out for one event: itself, or the same with other text, and events with held text before it. */
function handleEvent(state: State, given: string): string {
  const { raw, looked: lines } = lookAtLines(state.sides, given);
  state.blocked ??= lines.blocked;
  if (state.blocked !== null) return closingOf(state);
  const data = dataOf(raw);
  if (data === null) return raw;
  if (data.trim() === DONE) {
    const all = channelsIn(state.channels, "all");
    const before = insert(state, flushAll(all));
    state.blocked ??= endSides(state.sides);
    endAll(state, all);
    return state.blocked === null ? before + raw : before + closingOf(state);
  }
  const event = parseJson(data);
  if (event === null) return showOther(state, raw, data);
  const known = state.format.read(event);
  const beside = lookBeside(state.sides, event, (holder, member) => isKnownSite(known, holder, member));
  state.blocked ??= beside.blocked;
  // What the closing repeats of an event is of those that were shown.
  if (state.blocked !== null) return closingOf(state);
  const reading = beside.isChanged ? state.format.read(event) : known;
  const first = reading.sites[0];
  const firstText = first === undefined ? "" : String(first.holder[first.member]);
  let inserted = "";
  // Of two members of one name only the one that was read goes on.
  let isChanged = beside.isChanged || hasRepeatedMembers(data, event);
  const partly: string[] = [];
  for (const site of reading.sites) {
    inserted += insert(state, flushAll(channelsBefore(state.channels, site)), event);
    if (state.blocked !== null) break;
    const { shown, isSame } = showSite(state, site, reading);
    if (shown !== "") partly.push(writeEvent(site.carry(shown)));
    if (state.blocked !== null) break;
    if (!isSame) putText(site.holder, site.member, shown, site.repeats);
    isChanged ||= !isSame;
  }
  const done = new Set(reading.sites.map(({ channel }) => channel));
  const ending = channelsIn(state.channels, reading.ends).filter(({ name }) => !done.has(name));
  if (state.blocked === null) inserted += insert(state, flushAll(ending), event);
  noteBlock(state, ending);
  if (reading.ends === "all") state.blocked ??= endSides(state.sides);
  if (!isFailure(event)) endAll(state, channelsIn(state.channels, reading.ends));
  if (state.blocked === null) isChanged = applyCopies(state, reading) || isChanged;
  if (state.blocked !== null) {
    state.format.note(event, false);
    return inserted + partly.join("") + closingOf(state);
  }
  isChanged = renumber(state, event) || isChanged;
  state.format.note(event, true);
  const isPlain = lines.isClean && beside.isClean && !isChanged;
  if (isPlain && reading.sites.length === 1 && first !== undefined && reading.ends.length === 0)
    learn(state, raw, first, firstText);
  return inserted + (isChanged ? withData(withoutBom(raw), JSON.stringify(event)) : raw);
}

/** Is it looked at as a text of its own. */
function isKnownSite({ sites, copies }: Reading, holder: Json, member: string): boolean {
  const isIt = (site: { readonly holder: Json; readonly member: string }): boolean =>
    site.holder === holder && site.member === member;
  return sites.some(isIt) || copies.some(isIt);
}

/** The piece of text of one site, and what its channel holds if the event ends it. */
function showSite(state: State, site: TextSite, { ends }: Reading): { shown: string; isSame: boolean } {
  const text = String(site.holder[site.member]);
  if (text === "" && !state.channels.byName.has(site.channel)) return { shown: "", isSame: true };
  const channel = channelOf(state.channels, site);
  if (channel === null) {
    state.blocked = { rail: "stream", reasons: ["stream:too_many_texts"] };
    return { shown: "", isSame: false };
  }
  let shown = channel.filter.push(text);
  if (ends === "all" || ends.includes(site.group)) shown += channel.filter.flush();
  noteBlock(state, [channel]);
  return { shown, isSame: shown === text };
}

function noteBlock(state: State, channels: readonly Channel[]): void {
  for (const { filter } of channels) state.blocked ??= filter.blocked();
}

/** These texts have ended: rails that look at whole texts say what they find. */
function endAll(state: State, channels: readonly Channel[]): void {
  for (const { end } of channels) state.blocked ??= end();
}

/** A text that broke off is not judged as a whole one. */
function isFailure({ error, type }: Json): boolean {
  return error !== undefined || type === "error" || type === "response.failed";
}

/** Data that is no JSON object: another value or a text, which is looked at, or an object that was cut off and is dropped. */
function showOther(state: State, raw: string, data: string): string {
  if (data.trimStart().startsWith("{")) return "";
  const json = anyJson(data);
  const { isChanged, blocked, value } = lookBeside(state.sides, json ?? data, () => false);
  state.blocked ??= blocked;
  if (state.blocked !== null) return closingOf(state);
  if (!isChanged) return raw;
  return withData(withoutBom(raw), json === null ? String(value) : JSON.stringify(value));
}

function flushAll(channels: readonly Channel[]): { events: OutEvent[]; channels: readonly Channel[] } {
  const events = channels.flatMap((channel) => {
    const event = flushed(channel);
    return event === null ? [] : [event];
  });
  return { events, channels };
}

/** Events with held text. Where events are numbered, each takes the number of the event before which it is sent. */
function insert(state: State, { events, channels }: ReturnType<typeof flushAll>, before?: Json): string {
  noteBlock(state, channels);
  const number = before?.["sequence_number"];
  return events
    .map(({ event, data }) => {
      if (typeof number !== "number" || data["sequence_number"] === undefined) return writeEvent({ event, data });
      const numbered = { ...data, sequence_number: number + state.inserted };
      state.inserted += 1;
      state.templates = [];
      return writeEvent({ event, data: numbered });
    })
    .join("");
}

/** Events behind those that were put in count on from them. */
function renumber(state: State, event: Json): boolean {
  const number = event["sequence_number"];
  if (state.inserted === 0 || typeof number !== "number") return false;
  event["sequence_number"] = number + state.inserted;
  return true;
}

function applyCopies(state: State, { copies }: Reading): boolean {
  let isChanged = false;
  for (const copy of copies) {
    const result = filterCopy(state.channels, copy);
    if (typeof result === "boolean") isChanged ||= result;
    else state.blocked = result;
  }
  return isChanged;
}

function learn(state: State, raw: string, { channel }: TextSite, text: string): void {
  if (state.inserted > 0 || state.learnTries >= LEARN_TRIES_MAX || text === "") return;
  if (!state.channels.byName.has(channel)) return;
  state.learnTries += 1;
  const template = learnTemplate(raw, channel, text, (event) => {
    const { sites, ends, copies } = state.format.read(event);
    const [site] = sites;
    if (site === undefined || sites.length > 1 || ends.length > 0 || copies.length > 0) return null;
    return site.channel === channel ? String(site.holder[site.member]) : null;
  });
  if (template === null) return;
  state.templates = [template, ...state.templates.filter((known) => known.channel !== channel)].slice(0, TEMPLATES_MAX);
}

function closingOf(state: State): string {
  const events = state.format.closing().map(writeEvent).join("");
  return state.format.hasDoneMarker ? `${events}data: ${DONE}\n\n` : events;
}

function endStream(state: State): Pushed {
  if (state.blocked !== null) return { out: "", blocked: state.blocked };
  const raw = restOf(state.splitter);
  if (state.isPassing) return { out: passLong(state, raw), blocked: null };
  const data = dataOf(raw);
  const isWhole = data !== null && (data.trim() === DONE || parseJson(data) !== null);
  let out = isWhole ? handleEvent(state, raw) : "";
  if (state.blocked === null) {
    const all = channelsIn(state.channels, "all");
    const rest = insert(state, flushAll(all));
    state.blocked ??= endSides(state.sides);
    endAll(state, all);
    if (rest !== "" && out !== "" && !out.endsWith("\n\n")) out += "\n\n";
    out += rest;
    if (state.blocked !== null) out += closingOf(state);
  }
  return { out, blocked: state.blocked };
}
