/**
 * Runpod's stock worker as it is on the wire, without Python: every request as `runpod` 1.12 sends it, byte for byte
 * where a server could tell. What a real one does with a job (`handler`) is the test's.
 */
import { request as httpRequest } from "node:http";

type StockJob = { readonly id: string; readonly input: unknown; readonly webhook?: string };

type WireAnswer = { readonly status: number; readonly text: string; readonly contentType: string };

export type StockWorker = {
  readonly id: string;
  /** One long poll of the job-take loop; null: there was none. */
  take(inProgress?: boolean): Promise<StockJob | null>;
  takeBatch(count: number): Promise<readonly StockJob[]>;
  /** `{output}`, `{error}` or `{status: "IN_PROGRESS", output}`. */
  done(jobId: string, body: object, isStream?: boolean): Promise<WireAnswer>;
  chunk(jobId: string, output: unknown): Promise<WireAnswer>;
  ping(jobIds: readonly string[]): Promise<WireAnswer>;
  /** One long poll of the stop channel. */
  stops(): Promise<readonly string[]>;
  /** Resets every open connection. Who only closes cannot be told from one that waits, and is found by its lease. */
  vanish(): void;
};

export function stockWorker(options: {
  readonly baseUrl: string;
  readonly pool: string;
  readonly id: string;
  readonly key: string;
}): StockWorker {
  const { id, key } = options;
  const base = `${options.baseUrl}/v2/${options.pool}`;
  // The template's query is the platform's; the client appends to it whatever it holds.
  const getJob = `${base}/job-take/$ID?gpu=NVIDIA+RTX`.replace("$ID", id);
  const postOutput = `${base}/job-done/$RUNPOD_POD_ID/$ID?gpu=NVIDIA+RTX`.replace("$RUNPOD_POD_ID", id);
  const postStream = `${base}/job-stream/$RUNPOD_POD_ID/$ID?gpu=NVIDIA+RTX`.replace("$RUNPOD_POD_ID", id);
  const open = new Set<ReturnType<typeof httpRequest>>();

  const send = async (method: string, url: string, headers: Record<string, string>, body?: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<WireAnswer>();
    const request = httpRequest(url, {
      method,
      agent: false,
      headers: {
        Authorization: key,
        "User-Agent": "RunPod-Python-SDK/1.12.0 (Linux; x86_64)",
        "Accept-Encoding": "gzip, deflate",
        Accept: "*/*",
        ...headers,
        ...(body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) }),
      },
    });
    open.add(request);
    request.on("error", reject);
    request.on("close", () => open.delete(request));
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      const contentType = response.headers["content-type"] ?? "";
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text, contentType }));
      response.on("error", reject);
    });
    request.end(body);
    return promise;
  };
  const get = async (url: string) => send("GET", url, { "Content-Type": "application/json" });
  const post = async (template: string, jobId: string, body: object, isStream: boolean) =>
    send(
      "POST",
      `${template.replace("$ID", jobId)}&isStream=${isStream}`,
      { charset: "utf-8", "Content-Type": "application/x-www-form-urlencoded", "X-Request-ID": jobId },
      JSON.stringify(body),
    );
  const jobsOf = ({ status, text, contentType }: WireAnswer): readonly StockJob[] => {
    if (status === 204 || status === 400) return [];
    // The client ignores any other type.
    if (status !== 200 || !contentType.startsWith("application/json")) throw new Error(`job-take: ${status} ${text}`);
    const jobs = JSON.parse(text) as StockJob | readonly StockJob[];
    return Array.isArray(jobs) ? (jobs as readonly StockJob[]) : [jobs as StockJob];
  };
  return {
    id,
    async take(inProgress = false) {
      const [job] = jobsOf(await get(`${getJob}&job_in_progress=${inProgress ? 1 : 0}`));
      return job ?? null;
    },
    async takeBatch(count) {
      const url = getJob.replace("/job-take/", "/job-take-batch/");
      return jobsOf(await get(`${url}&batch_size=${count}&job_in_progress=0`));
    },
    done: async (jobId, body, isStream = false) => post(postOutput, jobId, body, isStream),
    chunk: async (jobId, output) => post(postStream, jobId, { output }, false),
    ping: async (jobIds) => {
      const list = jobIds.length === 0 ? "" : `&job_id=${encodeURIComponent(jobIds.join(","))}`;
      return send("GET", `${base}/ping/${id}?gpu=NVIDIA+RTX${list}&runpod_version=1.12.0`, {});
    },
    async stops() {
      const answer = await get(getJob.replace("/job-take/", "/job-stop/"));
      if (answer.status === 204) return [];
      if (answer.status !== 200) throw new Error(`job-stop: ${answer.status} ${answer.text}`);
      return (JSON.parse(answer.text) as { jobsToStop: string[] }).jobsToStop;
    },
    vanish() {
      for (const request of open) request.socket?.resetAndDestroy();
    },
  };
}
