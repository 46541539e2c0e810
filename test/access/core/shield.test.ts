import { expect, test } from "vitest";
import { addressName } from "../../../src/access/core/shield.ts";

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["::ffff:203.0.113.7", "203.0.113.7"],
  ["2001:db8:1:2:3:4:5:6", "20010db800010002::/64"],
  ["2001:db8:1:2::", "20010db800010002::/64"],
  ["2001:db8:1:3::", "20010db800010003::/64"],
  ["::1", "0000000000000000::/64"],
])("an address %s is counted as %s: of IPv6 its first 64 bits", (address, name) => {
  expect(addressName(address)).toBe(name);
});

test.each([null, "", "unknown", "127.1", "203.0.113.7, 198.51.100.1", "x".repeat(50)])(
  "what is no address is counted under no name: %s",
  (address) => {
    expect(addressName(address)).toBeNull();
  },
);
