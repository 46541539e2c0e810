import { BlockList, isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isWithin, readAddress, readNetwork } from "../../../src/access/core/addresses.ts";

const v4 = fc.ipV4();
const v6 = fc.ipV6();

/** The same question to Node. */
function nodeSays(network: string, address: string): boolean {
  const [base = "", bits] = network.split("/");
  const list = new BlockList();
  const family = base.includes(":") ? "ipv6" : "ipv4";
  if (bits === undefined) list.addAddress(base, family);
  else list.addSubnet(base, Number(bits), family);
  return list.check(address, address.includes(":") ? "ipv6" : "ipv4");
}

describe("networks, as Node has them", () => {
  test("IPv4", () => {
    fc.assert(
      fc.property(v4, fc.nat(32), v4, fc.nat(32), (base, bits, other, keep) => {
        // An address that shares its first bits with the network is as likely as any.
        const near = mixed(base, other, keep);
        for (const address of [other, near]) {
          expect(isWithin([`${base}/${bits}`], address)).toBe(nodeSays(`${base}/${bits}`, address));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("IPv6", () => {
    fc.assert(
      fc.property(v6, fc.nat(128), v6, (base, bits, other) => {
        for (const address of [base, other]) {
          // Node takes an IPv4 address in IPv6's clothes for IPv4.
          if (/^::(?:ffff:)?\d+\./i.test(address) || /^::(?:ffff:)?\d+\./i.test(base)) continue;
          expect(isWithin([`${base}/${bits}`], address)).toBe(nodeSays(`${base}/${bits}`, address));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("a text is an address where Node says so, and nowhere else", () => {
    const parts = fc.constantFrom("0", "1", "255", "256", "01", "a", "ffff", "10000", "g", "", "127.0.0.1", "%1");
    const text = fc.array(fc.tuple(parts, fc.constantFrom(".", ":", "::", "")), { maxLength: 9 });
    fc.assert(
      fc.property(text, (pieces) => {
        const address = pieces.flat().join("");
        if (!address.includes("%")) expect(readAddress(address) !== null, address).toBe(isIP(address) !== 0);
      }),
      { numRuns: 20_000 },
    );
  });
});

test.each([
  ["203.0.113.7", "203.0.113.7", true],
  ["203.0.113.7", "203.0.113.8", false],
  ["203.0.113.0/24", "203.0.113.255", true],
  ["203.0.113.0/24", "::ffff:203.0.113.1", true],
  ["::ffff:203.0.113.0/120", "203.0.113.1", true],
  ["0.0.0.0/0", "2001:db8::1", false],
  ["::/0", "203.0.113.1", true],
  ["2001:db8::/32", "2001:db8:ffff::1", true],
  ["2001:db8::/32", "2001:db9::", false],
])("%s holds %s: %s", (network, address, expected) => {
  expect(isWithin([network], address)).toBe(expected);
});

test.each([
  "",
  "127.1",
  "0x7f000001",
  "2130706433",
  "127.0.0.01",
  "1.2.3.4 ",
  "::1%eth0",
  "1:2:3:4:5:6:7:8:9",
  "::1::",
])("%j is no address", (text) => {
  expect([readAddress(text), isWithin(["0.0.0.0/0", "::/0"], text)]).toEqual([null, false]);
});

test.each(["1.2.3.4/33", "::1/129", "1.2.3.4/", "1.2.3.4/01", "1.2.3.4/8/8", "1.2.3.4/-1", "/8", "host/8"])(
  "%j is no network, and holds nobody",
  (text) => {
    expect([readNetwork(text), isWithin([text], "1.2.3.4")]).toEqual([null, false]);
  },
);

test("an address that is not known is in no network", () => {
  expect(isWithin(["0.0.0.0/0", "::/0"], null)).toBe(false);
});

/** The first `bits` of one, and the rest of the other. */
function mixed(one: string, other: string, bits: number): string {
  const number = (text: string): bigint => text.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  const mask = (1n << BigInt(32 - bits)) - 1n;
  const value = (number(one) & ~mask) | (number(other) & mask);
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join(".");
}
