/**
 * Decides whether an address is in a list of addresses and networks (CIDR), IPv4 and IPv6.
 *
 * Model. Both are read into 16 bytes, IPv4 as `::ffff:a.b.c.d`, which is also how a socket that listens on IPv6 shows a
 * client of IPv4. What cannot be read is in no network, and a network that cannot be read holds nobody. The runtime's own
 * parser has no part in it: it also reads `127.1` and `0x7f000001`, which no list means. Checked against Node's
 * `net.BlockList` (test/access/core/addresses.test.ts).
 * Rejected: a library of 60 KB for two functions; comparing texts, of which an IPv6 address has many.
 */

const V4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
/** Longer is no address: eight groups and an IPv4 tail. */
const ADDRESS_CHARS_MAX = 45;
const V4_PREFIX_BITS = 96;

/** 16 bytes; null: no address. A zone (`%eth0`) belongs to a machine, not to an address: it is none. */
export function readAddress(text: string): readonly number[] | null {
  if (text.length > ADDRESS_CHARS_MAX) return null;
  const four = readFour(text);
  if (four !== null) return [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...four];
  const [head = "", tail, ...more] = text.split("::");
  if (more.length > 0) return null;
  const front = readGroups(head, tail === undefined);
  const back = tail === undefined ? [] : readGroups(tail, true);
  if (front === null || back === null) return null;
  const left = 16 - front.length - back.length;
  // `::` stands for one group at least.
  if (tail === undefined ? left !== 0 : left < 2) return null;
  return [...front, ...Array.from({ length: left }, () => 0), ...back];
}

function readFour(text: string): readonly number[] | null {
  const parts = V4.exec(text)?.slice(1) ?? [];
  // A leading zero is octal to some readers.
  const isGood = parts.length === 4 && parts.every((part) => Number(part) <= 255 && String(Number(part)) === part);
  return isGood ? parts.map(Number) : null;
}

/** Groups of 16 bits; the last may be an IPv4 address where `isEnd`. */
function readGroups(text: string, isEnd: boolean): readonly number[] | null {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [at, group] of groups.entries()) {
    const four = isEnd && at === groups.length - 1 ? readFour(group) : null;
    if (four !== null) bytes.push(...four);
    else if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const word = Number.parseInt(group, 16);
      bytes.push(word >> 8, word & 255);
    } else return null;
  }
  return bytes;
}

export type Network = { readonly bytes: readonly number[]; readonly bits: number };

/** `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/32`; null: none of these. */
export function readNetwork(text: string): Network | null {
  const [address = "", bits, ...more] = text.split("/");
  const bytes = more.length > 0 ? null : readAddress(address);
  if (bytes === null) return null;
  const own = address.includes(":") ? 0 : V4_PREFIX_BITS;
  if (bits === undefined) return { bytes, bits: 128 };
  if (!/^(?:0|[1-9]\d{0,2})$/.test(bits) || own + Number(bits) > 128) return null;
  return { bytes, bits: own + Number(bits) };
}

export function isWithin(networks: readonly string[], address: string | null): boolean {
  const bytes = address === null ? null : readAddress(address);
  if (bytes === null) return false;
  return networks.some((text) => {
    const network = readNetwork(text);
    return network !== null && holds(network, bytes);
  });
}

function holds({ bytes, bits }: Network, address: readonly number[]): boolean {
  for (let at = 0; at < 16; at += 1) {
    const left = bits - at * 8;
    if (left <= 0) return true;
    const mask = left >= 8 ? 255 : (255 << (8 - left)) & 255;
    if (((bytes[at] ?? 0) & mask) !== ((address[at] ?? 0) & mask)) return false;
  }
  return true;
}
