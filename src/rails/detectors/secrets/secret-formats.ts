/**
 * The table of known key formats: a literal anchor, then runs of characters with their lengths, and what the body must
 * look like. To add a format, add a row to the file of its trade; `secrets.ts` does the rest.
 *
 * Lengths are those that the vendors issue (facts of the formats, checked against what public scanners of keys accept),
 * with room where a vendor has changed them before. Order matters where one anchor begins another: the longer one
 * first.
 */
import { KEY_CHARS, rows, run } from "./secret-chars.ts";
import type { SecretFormat } from "./secret-chars.ts";
import { APP_FORMATS } from "./secret-formats-apps.ts";
import { CLOUD_FORMATS } from "./secret-formats-cloud.ts";
import { DEVELOPER_FORMATS } from "./secret-formats-dev.ts";

const { anyBase64, base64, urlSafe } = KEY_CHARS;

/** Base64 of "-----BEGIN … PRIVATE KEY-----", for the usual labels. */
const ENCODED_PEM = [
  "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t",
  "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVkt",
  "LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0t",
  "LS0tLS1CRUdJTiBPUEVOU1NIIFBSSVZBVEUgS0VZ",
  "LS0tLS1CRUdJTiBFTkNSWVBURUQgUFJJVkFURSBLRVkt",
].join(" ");

export const SECRET_FORMATS: readonly SecretFormat[] = [
  ...CLOUD_FORMATS,
  ...DEVELOPER_FORMATS,
  ...APP_FORMATS,
  ...rows("private_key", ENCODED_PEM, [run(base64, 40, 32_768)]),
  // Header and payload are JSON objects; without a signature it is no credential. The one of jwt.io is in every manual.
  ...rows("jwt", "eyJ", [run(urlSafe, 14, 2048), ".eyJ", run(anyBase64, 10, 16_384), ".", run(anyBase64, 10, 8192)], {
    entropyMin: 0,
  }),
  // {"auths": …}: the logins of a registry, as Docker keeps them.
  ...rows("docker_config", "eyJhdXRocyI6 eyJhdXRocyI6eyJ", [run(base64, 20, 16_384)], { entropyMin: 0 }),
  // The same, encoded once more, as it stands in manifests.
  ...rows("jwt", "ZXlK", [run(anyBase64, 60, 16_384)], { random: true }),
];
