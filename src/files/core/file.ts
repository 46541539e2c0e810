/** What a file is, and how OpenAI's API tells it. */
import { EXPIRES_AFTER_S } from "./bounds.ts";

/** For which purposes a client may upload. */
export const PURPOSES = ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"] as const;
type Purpose = (typeof PURPOSES)[number] | "batch_output";

export type FileRecord = {
  readonly id: string;
  readonly filename: string;
  readonly purpose: Purpose;
  readonly bytes: number;
  readonly parts: number;
  readonly createdAtMs: number;
  /** Null: until it is deleted. */
  readonly expiresAtMs: number | null;
};

export const isPurpose = (text: string): text is (typeof PURPOSES)[number] => PURPOSES.some((one) => one === text);

export const seconds = (ms: number): number => Math.floor(ms / 1_000);

/** OpenAI's file object. */
export function fileObject({ id, filename, purpose, bytes, createdAtMs, expiresAtMs }: FileRecord) {
  return {
    id,
    object: "file",
    bytes,
    created_at: seconds(createdAtMs),
    expires_at: expiresAtMs === null ? null : seconds(expiresAtMs),
    filename,
    purpose,
    status: "processed",
    status_details: null,
  } as const;
}

/** Random letters and digits: nothing of it can be guessed, and each tenant has its own. */
export const fileIdOf = (uuid: string): string => `file-${uuid.replaceAll("-", "")}`;
export const openAiBatchIdOf = (uuid: string): string => `batch_${uuid.replaceAll("-", "")}`;

export type ExpiresAfter = { readonly anchor: string | null; readonly seconds: number | null };

/** ms, null where none is asked for, or what is wrong with it. */
export function readExpiresAfter({ anchor, seconds: asked }: ExpiresAfter, name: string): number | null | string {
  if (anchor === null && asked === null) return null;
  if (anchor !== "created_at") return `${name}.anchor must be "created_at".`;
  const { min, max } = EXPIRES_AFTER_S;
  if (asked === null || !Number.isInteger(asked) || asked < min || asked > max) {
    return `${name}.seconds must be a whole number from ${min} to ${max}.`;
  }
  return asked * 1_000;
}

export type Page = {
  /** Id of the last one of the page before; null: the first page. */
  readonly after: string | null;
  readonly limit: number;
  readonly isAscending: boolean;
};

/** A page of a list, as OpenAI's clients go through it. `more`: one more than was asked for was there. */
export function listOf<Item extends { readonly id: string }>(data: readonly Item[], hasMore: boolean) {
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  } as const;
}
