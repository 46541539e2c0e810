import { describe, expect, test } from "vitest";
import { findSecrets } from "../../../../src/rails/detectors/secrets/secrets.ts";

const found = (text: string) => findSecrets(text).map(({ start, end, type }) => `${type} ${text.slice(start, end)}`);

/** Written in two halves where a scanner of keys would read it in this file too. */
const KEY = ["h7Gk29sLmQ", "x4Tz81VbNc53Wd"].join("");

describe("what is harmless stays", () => {
  test.each([
    { name: "the member of an object", text: "err := s.ReadUint24LengthPrefixed(&out)" },
    { name: "the name of a variable", text: "config.PrivateKey = testEd25519PrivateKey" },
    { name: "the name of a variable, in a literal", text: "PrivateKey: testRSA2048PrivateKey}}" },
    { name: "a call", text: "password = base64.b64decode(x)" },
    { name: "a call of a member's member", text: "password = base64.StdEncoding.EncodeToString(pwd[:])" },
    { name: "an element", text: "password = settings_v2[0]" },
    { name: "an export by its own name", text: "exports.exchangeX509Token = exchangeX509Token;" },
    { name: "a type", text: "experimental_s3_credentials?: LocalS3Credentials;" },
    { name: "a test and its outcome", text: "    --- PASS: TestAddrStringAllocs/ipv4-in-ipv6+zone (0.00s)" },
    { name: "a hexadecimal constant", text: "PPPIOCSPASS = 0x40087447" },
    { name: "a hexadecimal constant of 64 bits", text: 'api_key = "0xdb0c2e0d64f98fa7"' },
    { name: "bytes in escapes", text: String.raw`'password', '\xa1\xa2'` },
    { name: "the digest of a type's schema", text: '"AWS::IAM::AccessKey": "72c2d9dd90025459",' },
    { name: "what was cut short", text: '"PurchaseToken": "eyJ2IjoiMSIsInMiOjEsImMiOi..."' },
    { name: "a token against forgery", text: `<input name="authenticity_token" value="${KEY}" />` },
    { name: "a token to ask only once", text: `"ClientRequestToken": "${KEY}"` },
    { name: "the key of a cache", text: `cacheKey = "${KEY}"` },
    { name: "a public key", text: `public_key: "${KEY}"` },
    { name: "a vendor's name inside another", text: "sumOfExposures = suGyI5imvADdvU" },
    { name: "names in a list", text: "getPagesInConfluenceSpace,searchConfluenceUsingCql" },
    { name: "a field of a structure in C", text: "&hf_servingcellpriorityparametersdescription_h_prio" },
    { name: "a picture's name", text: "video_box.ico-7a388b69018576d24b59331fd60aab0c.png" },
    { name: "what counts", text: 'secret = "a1B2c3D4e5F6g7H8i9J0"' },
    { name: "what repeats itself", text: `secret = "${"A1B2C3D4E5F6".repeat(4)}"` },
    { name: "hexadecimal digits that somebody typed", text: 'api_secret = "84f2cfA002913e5afbe0a43d71e49Ac9"' },
    { name: "padding inside", text: 'api_secret = "m=MN/0yYJ/5xqpE15JYDJtCF"' },
    { name: "a masked token", text: "xoxp-572370529330-573807301142-572331691188-####################" },
    { name: "the user of a manual's URL", text: "new URL('https://abc:xyz@example.com')" },
    { name: "the method of CVS", text: "cvs://:pserver:anoncvs@sources.redhat.com" },
    { name: "an example's UUID", text: "api_key = 123e4567-e89b-12d3-a456-426614174000" },
    { name: "a UUID that is nobody's key", text: "credentialsId: 'ff083f76-7804-4ef1-80e4-fe975bb9141b'" },
    { name: "a digest of a lock file", text: '"integrity": "sha512-nRT0SNsyBZWJvQoZSk6oaSrsIAZWJe4nE2wq1jHZYnSx"' },
    { name: "the hash of a commit", text: 'SRCREV_moby = "43fc912ef59a83054ea7f6706df4d53a7dea4d80"' },
    { name: "a Google key of a public sample", text: ["AIzaSyAnLA7NfeLq", "uW1tJFpx_eQCxoX-oo6YyIs"].join("") },
    { name: "braces of a template", text: "<Secret>{props.secretValue2}</Secret>" },
  ])("$name", ({ text }) => {
    expect(found(text)).toEqual([]);
  });

  test("the token of jwt.io, and no other one", () => {
    const header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
    const payload = "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ";
    const signature = "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";
    expect(found(`${header}.${payload}.${signature}`)).toEqual([]);
    expect(found(`${header}.${payload.replace("MTIzNDU2Nzg5MC", "ODg3MzY0MTUyMC")}.${signature}`)).toEqual([]);
    expect(found(`${header}.eyJzdWIiOiJhbm4ifQ.${signature}`)).toHaveLength(1);
  });
});

describe("what is a credential is found", () => {
  const UUID = "5eb4223e-5008-46e5-be67-c7b8f2732305";

  test.each([
    { name: "a UUID by the name of a key", text: `api_key: ${UUID}`, is: `assigned_secret ${UUID}` },
    { name: "a UUID in a header", text: `curl -H 'Authorization: ${UUID}' x`, is: `assigned_secret ${UUID}` },
    {
      name: "a short token that curl sends",
      text: 'curl -H "Api-Token: Sk94HG7f6KB" x',
      is: "assigned_secret Sk94HG7f6KB",
    },
    { name: "behind a vendor's scheme", text: `Authorization: SSWS ${KEY}`, is: `assigned_secret ${KEY}` },
    { name: "behind a dash", text: `acme api token - '${KEY}'`, is: `assigned_secret ${KEY}` },
    { name: "the key of anybody", text: `ACME_KEY=${KEY}`, is: `assigned_secret ${KEY}` },
    {
      name: "a login that is encoded",
      text: '"user_auth": "am9obmRvZTpkMDY5NGIxYi1jMTcx+TMyYQ="',
      is: "assigned_secret am9obmRvZTpkMDY5NGIxYi1jMTcx+TMyYQ=",
    },
    { name: "a secret that Jenkins keeps", text: `<secret>{AQAAABAAA ${KEY}}</secret>`, is: `assigned_secret ${KEY}` },
    {
      name: "curl's password in quotes",
      text: "curl --user kevin:'pRf7vG2h1L8nQkW9' x",
      is: "curl_user pRf7vG2h1L8nQkW9",
    },
    {
      name: "NuGet's password",
      text: '<add key="ClearTextPassword" value="TestSourcePassword" />',
      is: "password TestSourcePassword",
    },
    { name: "a login without a password", text: "Authorization: Basic YnJvd3Nlcjo=", is: "basic_auth YnJvd3Nlcjo=" },
    {
      name: "a private key of Ethereum",
      text: `private_key = "0x4f3edf983ac636a65a842ce7c78d9aa706d3b113bce9c46f30d7d2"`,
      is: "assigned_secret 0x4f3edf983ac636a65a842ce7c78d9aa706d3b113bce9c46f30d7d2",
    },
  ])("$name", ({ text, is }) => {
    expect(found(text)).toEqual([is]);
  });

  test("a line of a Kubernetes secret, whatever its case", () => {
    const manifest = 'data:\n  extra: "YWRtaW46cGFzc3dvcmQ="\nkind: "secret"\n';
    expect(found(manifest)).toEqual(["kubernetes_secret YWRtaW46cGFzc3dvcmQ="]);
  });

  test("the logins of a registry, as Docker keeps them", () => {
    const config = "eyJhdXRocyI6eyJodHRwczovL2V4YW1wbGUvdjEvIjp7ImF1dGgiOiJvcGVuc2VzYW1lIn19fQo=";
    expect(found(`.dockercfg: |\n    ${config}\n`)).toEqual([`docker_config ${config}`]);
  });
});
