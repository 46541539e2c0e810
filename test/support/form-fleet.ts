/** A fleet whose endpoints take forms: simulated ones, and two that keep what comes up. */
import { randomBytes } from "node:crypto";
import { startFleet } from "./fleet.ts";
import type { Fleet } from "./fleet.ts";
import { startUploadSink } from "./upload-sink.ts";
import type { UploadSink } from "./upload-sink.ts";

/** Longer forms go up as they come. */
export const HEAD_BYTES_MAX = 262_144;
export const UPLOAD_BYTES_MAX = 2_097_152;
export const MODEL = "test-model";
export const TRANSCRIPTIONS = "/v1/audio/transcriptions";

export type FormFleet = {
  readonly fleet: Fleet;
  readonly sink: UploadSink;
  readonly other: UploadSink;
  readonly post: (form: FormData, path?: string) => Promise<Response>;
  readonly close: () => Promise<void>;
};

/** Pools by their models: simulated (`MODEL`, which blocks secrets), and `sink`, `bare`, `named`, `two`, `strict`. */
export async function startFormFleet(limits: Readonly<Record<string, number>> = {}): Promise<FormFleet> {
  const [sink, other] = [await startUploadSink(), await startUploadSink()];
  const at = (id: string, { url }: UploadSink, more: object = {}) => ({
    id,
    region: "us-east",
    backend: "openai",
    url,
    concurrencyPerWorker: 8,
    ...more,
  });
  const fleet = await startFleet({
    endpoints: [
      { id: "us-a", region: "us-east" },
      { id: "us-b", region: "us-east" },
    ],
    pool: { models: [MODEL], patienceMs: 5_000, rails: { input: ["size", { use: "secrets", action: "block" }] } },
    morePools: {
      sink: { models: ["sink"], endpoints: [at("one", sink)], rails: { input: ["secrets"] } },
      bare: { models: ["bare"], endpoints: [at("bare", sink)], rails: { input: [] } },
      named: { models: ["named"], endpoints: [at("named", sink, { model: "its-own-name" })] },
      two: { models: ["two"], endpoints: [at("first", sink), at("second", other)], rails: { input: [] } },
      strict: {
        models: ["strict"],
        endpoints: [at("strict", sink)],
        rails: { input: [{ use: "secrets", action: "block", onMedia: "closed" }] },
      },
    },
    config: { limits: { uploadHeadBytesMax: HEAD_BYTES_MAX, uploadBytesMax: UPLOAD_BYTES_MAX, ...limits } },
  });
  return {
    fleet,
    sink,
    other,
    post: async (form, path = TRANSCRIPTIONS) => fleet.call(path, { method: "POST", body: form }),
    async close() {
      await fleet.close();
      await sink.close();
      await other.close();
    },
  };
}

export const sound = (bytes = 20_000): File => new File([randomBytes(bytes)], "a.wav", { type: "audio/wav" });

export function formOf(fields: readonly (readonly [name: string, value: string | File])[]): FormData {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  return form;
}

export const errorOf = async (response: Response) =>
  ((await response.json()) as { readonly error: { readonly message: string; readonly code: string } }).error;
