/** The declarations of `standardwebhooks` name Node's type, which the Worker's types lack. */
interface Buffer extends Uint8Array {}
