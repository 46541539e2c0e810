import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { signedHeaders, webhookSecretProblem } from "../../src/wire/webhook-signature.ts";

describe("a signature", () => {
  const secret = `whsec_${btoa("x".repeat(32))}`;

  test("is the one that a receiver expects", () => {
    const headers = signedHeaders([secret], "req_1.hook", Date.now(), '{"a":"é"}');
    expect(new Webhook(secret).verify('{"a":"é"}', headers)).toEqual({ a: "é" });
    expect(() => new Webhook(secret).verify('{"a":"e"}', headers)).toThrow();
  });

  test("is there once for each secret while one is being changed, and a receiver with either takes it", () => {
    const next = `whsec_${btoa("y".repeat(32))}`;
    const headers = signedHeaders([next, secret], "msg_1", Date.now(), "{}");
    expect(headers["webhook-signature"].split(" ")).toHaveLength(2);
    for (const one of [secret, next]) expect(new Webhook(one).verify("{}", headers)).toEqual({});
    expect(() => new Webhook(`whsec_${btoa("z".repeat(32))}`).verify("{}", headers)).toThrow();
  });

  test.each([
    ["a key of 24 bytes", `whsec_${btoa("x".repeat(24))}`, true],
    ["a key of 64 bytes", btoa("x".repeat(64)), true],
    ["a key of 23 bytes", `whsec_${btoa("x".repeat(23))}`, false],
    ["a key of 65 bytes", `whsec_${btoa("x".repeat(65))}`, false],
    ["what is no base64", "whsec_*", false],
  ])("can be made with %s: %#", (_, value, can) => {
    expect(webhookSecretProblem(value) === null).toBe(can);
  });
});
