/** How JSON is read here that somebody else has written. */
import { isObject } from "../../lib/json-object.ts";
import type { JsonObject } from "../../lib/json-object.ts";

const NOTHING: JsonObject = {};

export const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : NOTHING);

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

export const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

export const isThere = (value: unknown): boolean => value !== undefined && value !== null;

/** Null when it is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
