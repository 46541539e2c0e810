/** As much of Node's module as is used here: the Worker's types have none of it. */
declare module "node:crypto" {
  type Cipher = {
    setAAD(bytes: Uint8Array): void;
    update(bytes: Uint8Array): Uint8Array;
    final(): Uint8Array;
  };
  export function createCipheriv(
    name: "aes-256-gcm",
    key: Uint8Array,
    nonce: Uint8Array,
  ): Cipher & { getAuthTag(): Uint8Array };
  export function createDecipheriv(
    name: "aes-256-gcm",
    key: Uint8Array,
    nonce: Uint8Array,
  ): Cipher & { setAuthTag(tag: Uint8Array): void };
  export function createHmac(
    name: "sha256",
    key: Uint8Array,
  ): { update(text: string): { digest(form: "base64url"): string } };
  export function hkdfSync(
    name: "sha256",
    secret: Uint8Array,
    salt: Uint8Array,
    info: string,
    bytes: number,
  ): ArrayBuffer;
}
