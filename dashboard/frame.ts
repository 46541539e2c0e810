/** The frame as this page gets it: the router's own type, with the records of its requests. */
import type { FeedFrame } from "../src/sight/core/frame.ts";
import type { ShownRequest } from "./record.ts";

export type Frame = FeedFrame<ShownRequest>;

/**
 * Whether a message is a frame that this page can draw. The router and its page are deployed together, so only the outer
 * shape is looked at: enough that an answer of something else, or of another version, is never drawn.
 */
export function isFrame(value: unknown): value is Frame {
  if (typeof value !== "object" || value === null) return false;
  const { v, atMs, fleet, rates, decisions, jobs, events } = value as Readonly<Record<string, unknown>>;
  const lists = [fleet, decisions, jobs, events];
  return v === 1 && typeof atMs === "number" && typeof rates === "object" && lists.every(Array.isArray);
}
