/**
 * Options of what a provider is told of an endpoint by `warmpath plan` and `apply`. The router reads none of them.
 *
 * Source: Runpod's REST API v2, `CreateEndpointRequest` and `UpdateEndpointRequest` (docs/reference/sources.md).
 */
import * as z from "zod";

const GPUS_PER_WORKER_MAX = 16;
const NAMES_MAX = 32;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const SECRET_NAME = /^[A-Z][A-Z0-9_]{0,63}$/;
const VALUE_CHARS_MAX = 4_096;

const names = z.array(z.string().min(1).max(100)).max(NAMES_MAX);

const scaler = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("REQUEST_COUNT").describe("By the requests that wait and run."),
    value: z.int().min(1).max(1_000).describe("Requests per GPU worker, 1 to 1000."),
  }),
  z.strictObject({
    type: z.literal("QUEUE_DELAY").describe("By how long requests wait."),
    value: z.number().min(0.5).max(3_600).describe("Wait in the queue, s, 0.5 to 3600. For queue endpoints only."),
  }),
]);

const secretRef = z.strictObject({
  secret: z
    .string()
    .regex(SECRET_NAME, { error: 'write the NAME of an environment variable, such as "HF_TOKEN"' })
    .describe("Name of the variable of your environment whose value is sent."),
});

export const provider = z
  .strictObject({
    name: z.string().min(1).max(100).optional().describe("Its name there. Default: the endpoint's id."),
    image: z.string().min(1).max(500).optional().describe("Container image. A new endpoint needs it, or a templateId."),
    templateId: z.string().min(1).max(100).optional().describe("Template that a new endpoint is made from."),
    gpuPools: names
      .min(1)
      .optional()
      .describe(
        'GPU pools as Runpod names them: "ADA_24", "HOPPER_141". Default: those among `gpu` that are such names.',
      ),
    gpuCount: z
      .int()
      .min(1)
      .max(GPUS_PER_WORKER_MAX)
      .optional()
      .describe("GPUs of a worker, 1 to 16. Default: as it is there, 1 for a new one."),
    minCudaVersion: z
      .string()
      .regex(/^\d+\.\d+$/, { error: 'write a version such as "12.8"' })
      .optional()
      .describe("Lowest CUDA version. Default: as it is there."),
    dataCenterIds: names
      .optional()
      .describe('Data centers, such as "US-TX-3". Default: as it is there, any for a new one.'),
    networkVolumes: names
      .optional()
      .describe("Ids of network volumes, which keep a large model. Default: as it is there."),
    scaler: scaler.optional().describe("What the platform scales by. Default: REQUEST_COUNT with `scalerValue`."),
    flashboot: z
      .enum(["OFF", "FLASHBOOT", "PRIORITY_FLASHBOOT"])
      .optional()
      .describe("Faster cold starts. Default: as it is there."),
    diskGb: z.int().min(1).max(10_000).optional().describe("Container disk, GB, 1 to 10000. Default: as it is there."),
    env: z
      .record(z.string().regex(ENV_NAME), z.union([z.string().max(VALUE_CHARS_MAX), secretRef]))
      .optional()
      .describe(
        'Variables of the container; a secret by its name, {"HF_TOKEN": {"secret": "HF_TOKEN"}}. Default: as they are there.',
      ),
  })
  .optional()
  .describe(
    "What `warmpath plan` and `apply` make so at Runpod, beside gpu, workers, idleTimeoutSeconds and executionTimeoutMs. Default: the endpoint is left alone there.",
  );
