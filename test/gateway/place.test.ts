import { describe, expect, test } from "vitest";
import { PLACE } from "../../src/wire/headers.ts";

type Cf = { readonly colo?: string; readonly latitude?: string; readonly longitude?: string };
type PlaceOf = (request: unknown, router: unknown, dev: boolean) => { readonly place: unknown; readonly key: string };

// By a name that the type checker does not follow: the module's types are those of the Workers runtime, not of Node.
const module = "../../src/gateway/place.ts";
const { placeOf } = (await import(/* @vite-ignore */ new URL(module, import.meta.url).href)) as { placeOf: PlaceOf };

const EU = { lat: 50.1, lon: 8.7 };
const config = { regions: new Map([["eu-west", EU]]) };

type Asked = { readonly header?: string; readonly dev?: boolean; readonly own?: object };
const placed = (cf: Cf | undefined, { header, dev = false, own }: Asked = {}) => {
  const headers: Record<string, string> = header === undefined ? {} : { [PLACE]: header };
  const request = Object.assign(new Request("https://a.example/", { headers }), cf === undefined ? {} : { cf });
  return placeOf(request, { config, place: own ?? null }, dev);
};

const FRANKFURT: Cf = { colo: "FRA", latitude: "50.11552", longitude: "8.68417" };
const UNKNOWN = { place: null, key: "unknown", colo: null };

describe("where a client is", () => {
  test.each([
    {
      name: "what the platform says",
      cf: FRANKFURT,
      is: { place: { lat: 50.11552, lon: 8.68417 }, key: "FRA", colo: "FRA" },
    },
    {
      name: "grouped by position where the data centre is not told",
      cf: { latitude: "50.6", longitude: "-8.4" },
      is: { place: { lat: 50.6, lon: -8.4 }, key: "51,-8", colo: null },
    },
    {
      name: "its data centre alone without a position",
      cf: { colo: "FRA" },
      is: { place: null, key: "FRA", colo: "FRA" },
    },
    { name: "unknown without a position", cf: {}, is: UNKNOWN },
    { name: "unknown without a platform", cf: undefined, is: UNKNOWN },
    { name: "unknown for a position that is none", cf: { latitude: "91", longitude: "0" }, is: UNKNOWN },
  ])("is $name", ({ cf, is }) => {
    expect(placed(cf)).toEqual(is);
  });
});

describe("the place of a router that stands alone", () => {
  const own = { lat: 39, lon: -77.5 };

  test("is its clients' where no platform tells of them", () => {
    for (const cf of [undefined, {}]) expect(placed(cf, { own })).toEqual({ place: own, key: "39,-77", colo: null });
    expect(placed(undefined, { own, header: "eu-west", dev: true }).place).toEqual(EU);
  });

  test("does not stand in for what a platform tells, little as it may be", () => {
    expect(placed(FRANKFURT, { own }).key).toBe("FRA");
    expect(placed({ colo: "FRA" }, { own })).toEqual({ place: null, key: "FRA", colo: "FRA" });
  });
});

describe("the header that stands in for it", () => {
  test.each([
    { name: "a region", header: "eu-west", is: { place: EU, key: "50,9", colo: null } },
    { name: "a position", header: "10.4, -20.6", is: { place: { lat: 10.4, lon: -20.6 }, key: "10,-21", colo: null } },
    { name: "nonsense", header: "moon", is: { place: { lat: 50.11552, lon: 8.68417 }, key: "FRA", colo: "FRA" } },
  ])("is heard in development: $name", ({ header, is }) => {
    expect(placed(FRANKFURT, { header, dev: true })).toEqual(is);
  });

  test("is not heard in production", () => {
    expect(placed(FRANKFURT, { header: "10,10" }).key).toBe("FRA");
    expect(placed(undefined, { header: "eu-west" })).toEqual(UNKNOWN);
  });
});
