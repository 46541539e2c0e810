import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import {
  COUNT_MAX,
  DURATION_MS_MAX,
  FLAGS,
  parseCommand,
  parseDurationMs,
} from "../../backends/gpu-simulator/flags.ts";
import type { GpuSimulatorOptions } from "../../backends/gpu-simulator/options.ts";
import { ENGINE_PRESETS } from "../../backends/gpu-engine/engine-presets.ts";

const folder = new URL("../../backends/gpu-simulator/", import.meta.url);

describe("flags", () => {
  const optionsOf = (...argv: string[]): GpuSimulatorOptions => {
    const command = parseCommand(argv);
    if (!command.ok || command.value.kind !== "run") throw new Error(JSON.stringify(command));
    return command.value.options;
  };

  test("a command for llm-d-inference-sim is understood", () => {
    const options = optionsOf(
      ..."--port 8001 --model m --served-model-name a b --lora-modules x y --max-num-seqs 5 --max-waiting-queue-length 7".split(
        " ",
      ),
      ..."--time-to-first-token 200ms --time-to-first-token-std-dev 60 --inter-token-latency 20ms".split(" "),
      ..."--inter-token-latency-std-dev 6ms --prefill-time-per-token 100us --time-factor-under-load 2.5".split(" "),
      ..."--seed 42 --failure-injection-rate 10 --failure-types rate_limit server_error --max-model-len 2048".split(
        " ",
      ),
    );
    expect(options).toMatchObject({
      port: 8001,
      model: "m",
      servedModelNames: ["a", "b"],
      loraModules: ["x", "y"],
      seed: 42,
      failureInjectionRate: 10,
      failureTypes: ["rate_limit", "server_error"],
      maxModelLen: 2048,
      engine: {
        maxNumSeqs: 5,
        maxWaitingQueueLength: 7,
        firstTokenMs: 200,
        firstTokenStdDevMs: 60,
        stepBaseMs: 20,
        stepPerDecodingMs: 0,
        stepStdDevMs: 6,
        stepPerPrefillTokenMs: 0.1,
        timeFactorUnderLoad: 2.5,
      },
    });
  });

  test.each(Object.entries({ "cold-start-ms": DURATION_MS_MAX, "mean-output-tokens": COUNT_MAX }))(
    "--%s takes %i and not one more",
    (name, bound) => {
      expect(parseCommand([`--${name}`, `${bound}`]).ok).toBe(true);
      expect(parseCommand([`--${name}`, `${bound + 1}`]).ok).toBe(false);
    },
  );

  test("without flags the default preset applies on loopback", () => {
    expect(optionsOf()).toMatchObject({ host: "127.0.0.1", port: 8000, engine: ENGINE_PRESETS.default });
    expect(optionsOf("--preset", "h100-tp2-qwen-32b").engine).toEqual(ENGINE_PRESETS["h100-tp2-qwen-32b"]);
  });

  test.each([
    { argv: ["--max-num-seq", "4"], message: "unknown flag --max-num-seq", hint: "did you mean --max-num-seqs?" },
    { argv: ["--zzzzzzzzzzzz", "4"], message: "unknown flag --zzzzzzzzzzzz", hint: "--help lists the flags" },
    { argv: ["--port"], message: "--port needs a value", hint: "write --port <n>" },
    { argv: ["--model", "--port", "1"], message: "--model needs a value", hint: "write --model <name>" },
    { argv: ["--port", "65536"], message: '--port: "65536" is not valid', hint: "give an integer from 0 to 65535" },
    { argv: ["--seed", "1.5"], message: '--seed: "1.5" is not valid', hint: "give an integer" },
    { argv: ["--preset", "big"], message: '--preset: "big" is not valid', hint: "one of: default" },
    { argv: ["--cold-start-ms", "soon"], message: '--cold-start-ms: "soon" is not valid', hint: "250ms" },
    { argv: ["--cold-start-ms", "86400001"], message: "is not valid", hint: "a day at most" },
    { argv: ["--failure-types", "fire"], message: '"fire" is not valid', hint: "rate_limit" },
    {
      argv: ["--time-to-first-token", "100", "--time-to-first-token-std-dev", "31"],
      message: "--time-to-first-token-std-dev is too large",
      hint: "at most 30 %",
    },
    { argv: ["start"], message: 'unexpected argument "start"', hint: "--name value" },
  ])("$argv is refused with a hint", ({ argv, message, hint }) => {
    expect(parseCommand(argv)).toEqual({
      ok: false,
      error: { message: expect.stringContaining(message), hint: expect.stringContaining(hint) },
    });
  });

  test.each([
    ["250", 250],
    ["1.5s", 1500],
    ["1m30s", 90_000],
    ["500us", 0.5],
    ["-1", null],
    ["1 s", null],
    ["", null],
  ])("the duration %j is %j ms", (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  test("the README shows every flag", () => {
    const readme = readFileSync(new URL("README.md", folder), "utf8");
    for (const flag of Object.keys(FLAGS)) expect(readme).toContain(`\`--${flag}\``);
  });
});

describe("the command", () => {
  const run = (...argv: string[]) => spawn(process.execPath, [new URL("main.ts", folder).pathname, ...argv]);

  test("prints where it listens and stops cleanly on SIGTERM", async () => {
    const child = run("--port", "0", "--preset", "fast");
    const exited = once(child, "exit");
    const [line] = await once(createInterface(child.stdout), "line");
    const { listening } = JSON.parse(String(line));
    expect((await fetch(`${listening}/ping`)).status).toBe(200);
    child.kill("SIGTERM");
    expect(await exited).toEqual([0, null]);
  });

  test("exits with 2 and a hint on a wrong flag", async () => {
    const child = run("--prot", "0");
    let stderr = "";
    child.stderr.on("data", (chunk) => (stderr += String(chunk)));
    expect((await once(child, "close"))[0]).toBe(2);
    expect(stderr).toContain("hint: did you mean --port?");
  });
});
