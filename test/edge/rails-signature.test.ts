import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { signedHeaders, webhookSecretProblem } from "../../src/edge/rails/signature.ts";

describe("a signature", () => {
  const secret = `whsec_${btoa("x".repeat(32))}`;

  test("is the one that the reference library expects", async () => {
    const headers = await signedHeaders(secret, "req_1.hook", Date.now(), '{"a":"é"}');
    expect(new Webhook(secret).verify('{"a":"é"}', headers)).toEqual({ a: "é" });
    expect(() => new Webhook(secret).verify('{"a":"e"}', headers)).toThrow();
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
