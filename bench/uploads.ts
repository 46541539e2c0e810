/**
 * `npm run bench:uploads`: what the router's memory comes to while long forms go up through it.
 *
 * Model. Raw workerd with the built bundle, a pool without rails and one with the usual ones, and an endpoint that takes a
 * form and throws it away. Four clients at once send 30 MB each, their length told. The peak is that of the whole process
 * (`VmHWM`), each case in a process of its own; CPU is user and system time of that process from before the uploads to
 * behind them. The case `held` has the same forms kept in memory until they are whole, as bodies of JSON are: that is
 * what `uploadHeadBytesMax` as large as the form does.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startFleet } from "../test/support/fleet.ts";

const MB = 1_000_000;
const FORM_MB = 30;
const AT_ONCE = 4;
const ROUNDS = 2;

type Case = { readonly name: string; readonly model: string; readonly headBytesMax: number };

const CASES: readonly Case[] = [
  { name: "streamed, no rails", model: "bare", headBytesMax: 8 * MB },
  { name: "streamed, usual rails", model: "railed", headBytesMax: 8 * MB },
  { name: "held", model: "bare", headBytesMax: 31 * MB },
];

async function startThrowAway(): Promise<{ readonly url: string; readonly close: () => void }> {
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ text: "hello" })),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const peakMb = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN) / 1_024;

/** User and system time so far, s: fields 14 and 15 of proc(5), in hundredths. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function measure({ name, model, headBytesMax }: Case, file: File): Promise<void> {
  const sink = await startThrowAway();
  const pool = (id: string, more: object): object => ({
    models: [id],
    endpoints: [{ id: `at-${id}`, region: "us-east", backend: "openai", url: sink.url, concurrencyPerWorker: 16 }],
    ...more,
  });
  const fleet = await startFleet({
    endpoints: [{ id: "us-a", region: "us-east" }],
    morePools: { bare: pool("bare", { rails: { input: [] } }), railed: pool("railed", {}) },
    config: { limits: { uploadHeadBytesMax: headBytesMax, uploadBytesMax: 31 * MB } },
  });
  try {
    const { pid } = fleet.router;
    const send = async (sent: File): Promise<void> => {
      const form = new FormData();
      form.append("model", model);
      form.append("file", sent);
      const response = await fleet.call("/v1/audio/transcriptions", { method: "POST", body: form });
      if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
      await response.text();
    };
    await send(new File(["warm"], "warm.wav"));
    const [idleMb, cpuBefore] = [peakMb(pid), cpuSeconds(pid)];
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all(Array.from({ length: AT_ONCE }, async () => send(file)));
    }
    const cpuMs = ((cpuSeconds(pid) - cpuBefore) * 1_000) / (AT_ONCE * ROUNDS);
    const aboveMb = peakMb(pid) - idleMb;
    console.log(
      `${name.padEnd(24)}${idleMb.toFixed(0).padStart(8)} MB${aboveMb.toFixed(0).padStart(8)} MB${cpuMs.toFixed(0).padStart(10)} ms`,
    );
  } finally {
    await fleet.close();
    sink.close();
  }
}

const file = new File([randomBytes(FORM_MB * MB)], "a.wav");
console.log(`${AT_ONCE} forms of ${FORM_MB} MB at once, ${ROUNDS} times`);
console.log(`${"".padEnd(24)}${"peak idle".padStart(11)}${"above it".padStart(11)}${"CPU a form".padStart(13)}`);
for (const one of CASES) await measure(one, file);
