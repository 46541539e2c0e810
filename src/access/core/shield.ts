/**
 * Decides under which name the platform counts the requests of an address.
 *
 * Model. Of IPv4 the address; of IPv6 its first 64 bits, because whoever has one address there has all of them. What
 * cannot be read has no name, and is counted by nobody: the shield is the first of several, and shields against floods.
 */
import { readAddress } from "./addresses.ts";

/** A customer's part of an IPv6 network, in bytes. */
const V6_BYTES = 8;
const V4_AT = 12;

/** Null: it is no address. */
export function addressName(address: string | null): string | null {
  const bytes = address === null ? null : readAddress(address);
  if (bytes === null) return null;
  const isV4 = bytes.slice(0, V4_AT).every((byte, at) => byte === (at < V4_AT - 2 ? 0 : 255));
  if (isV4) return bytes.slice(V4_AT).join(".");
  const hex = bytes.slice(0, V6_BYTES).map((byte) => byte.toString(16).padStart(2, "0"));
  return `${hex.join("")}::/64`;
}
