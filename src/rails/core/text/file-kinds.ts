/**
 * Decides whether bytes are the beginning of a file that is no text: a picture, sound, a document, an archive.
 *
 * Model. Such files begin with marks of their own. Only marks of three bytes and more are taken: a shorter one is met
 * by chance. A file without a mark is known by its length instead (`encoded-runs.ts`).
 * Source: the formats' own specifications, as IANA's media types and the Linux `file` command name them.
 * Rejected: the type that a client names, which says what it likes.
 */

/** In hexadecimal, at the first byte. */
const MARKS: readonly string[] = [
  // Pictures: PNG, JPEG, GIF, TIFF, icons, Photoshop, OpenEXR, JPEG 2000, JPEG XL.
  "89504e47 ffd8ff 47494638 49492a00 4d4d002a 00000100 38425053 762f3101 0000000c6a50 0000000c4a584c20",
  // Sound and video: RIFF (WebP, WAVE, AVI), Ogg, MP3 with tags, FLAC, Matroska, AIFF, CAF, MIDI, MPEG.
  "52494646 4f676753 494433 664c6143 1a45dfa3 464f524d 63616666 4d546864 000001ba 000001b3",
  // Documents and archives: PDF, ZIP (Office, torch), old Office, gzip, bzip2, xz, zstd, 7z, RAR.
  "25504446 504b0304 504b0506 d0cf11e0 1f8b08 425a68 fd377a585a00 28b52ffd 377abcaf271c 526172211a07",
  // Fonts, programs, arrays and tables: WOFF, ELF, WebAssembly, NumPy, HDF5, SQLite, Parquet, Arrow, glTF.
  "774f4646 774f4632 7f454c46 0061736d 934e554d5059 89484446 53514c69746520666f 50415231 4152524f5731 676c5446",
].flatMap((marks) => marks.toLowerCase().split(" "));

/** Of ISO media (MP4, HEIC, AVIF): behind the length of the first box. */
const BOX_MARK = "66747970";

/** The longest mark, in bytes, and what stands before one that is not at the start. */
export const FILE_HEAD_BYTES = 12;

export function isFileHead(bytes: Uint8Array): boolean {
  let head = "";
  for (const byte of bytes.subarray(0, FILE_HEAD_BYTES)) head += byte.toString(16).padStart(2, "0");
  return MARKS.some((mark) => head.startsWith(mark)) || head.startsWith(BOX_MARK, 8);
}
