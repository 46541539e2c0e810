import fc from "fast-check";
import { expect, test } from "vitest";
import { homeName, homeOf } from "../../src/gateway/response-home.ts";
import { hashKeyOf } from "../../src/lib/keyed-hash.ts";

const secret = hashKeyOf("a secret of the deployment");
const endpoints = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/);
const ids = fc.string({ minLength: 1 });
const tenants = fc.string({ minLength: 1 });

test("the name of a response leads its tenant home, whatever its endpoint called it", () => {
  fc.assert(
    fc.property(tenants, endpoints, ids, (tenant, endpointId, id) => {
      const home = { endpointId, id };
      expect(homeOf(secret, tenant, homeName(secret, tenant, home))).toEqual(home);
    }),
  );
});

test("nobody else is led by it, nor by what was changed in it", () => {
  fc.assert(
    fc.property(tenants, tenants, endpoints, ids, fc.nat(), (tenant, other, endpointId, id, at) => {
      fc.pre(tenant !== other);
      const name = homeName(secret, tenant, { endpointId, id });
      const place = at % name.length;
      const changed = `${name.slice(0, place)}${name[place] === "0" ? "1" : "0"}${name.slice(place + 1)}`;
      expect([homeOf(secret, other, name), homeOf(secret, tenant, changed), homeOf(secret, tenant, id)]).toEqual([
        null,
        null,
        null,
      ]);
    }),
  );
});
