/** What a client is told whose form cannot be read, or cannot be sent on as it came. */
import { FORM_PARTS_MAX, FORM_TEXT_BYTES_MAX, PART_HEADER_BYTES_MAX } from "../wire/form-scan.ts";
import type { FormProblem } from "../wire/form-scan.ts";
import { MODEL } from "../wire/headers.ts";
import type { Refusal } from "../wire/refusal.ts";

const WORDS: Readonly<Record<FormProblem, string>> = {
  no_start: "The form does not begin with the boundary that its Content-Type names.",
  no_end: "The form ends before its last boundary. Send it whole.",
  boundary:
    "The form's boundary stands where it can be none: in a part's content, with something behind it, or before the form's end. Choose another one.",
  header: `A part of the form has a header that cannot be read. It needs one Content-Disposition: form-data with a name, and at most ${PART_HEADER_BYTES_MAX} bytes.`,
  name: "A part of the form has a name that is none: letters, digits, _, - and ., and up to four [] behind it.",
  too_many_parts: `The form has more than ${FORM_PARTS_MAX} parts.`,
  text_too_long: `A text of the form is longer than ${FORM_TEXT_BYTES_MAX} bytes. A file needs a filename.`,
  text_encoding: "A text of the form is not in UTF-8, or is encoded. Send it as it is, in UTF-8.",
  not_a_file:
    "A part of the form has a filename and is no file: files are called file, image, image[], mask or markup.",
  twice: "A field of the form is there twice. Send it once; the name of a list ends with [].",
};

export const brokenForm = (problem: FormProblem): Refusal => ({ reason: "invalid_request", detail: WORDS[problem] });

export const NO_FORM: Refusal = {
  reason: "unsupported_media_type",
  detail: "Send multipart/form-data with its boundary, or JSON. SDKs do so by themselves.",
};

export const lateModel = (headBytesMax: number): Refusal => ({
  reason: "invalid_request",
  param: "model",
  detail: `The form's model was not among its first ${headBytesMax} bytes (the option limits.uploadHeadBytesMax), and a larger form is not held. Put model before the file, or name it as ?model= or in the header ${MODEL} as well.`,
});

export const lateField = (name: string, headBytesMax: number): Refusal => ({
  reason: "invalid_request",
  param: name,
  detail: `The field ${name} came after a file of a form of more than ${headBytesMax} bytes (the option limits.uploadHeadBytesMax), which was on its way by then. Put every field before the first file.`,
});

export const otherModel = (): Refusal => ({
  reason: "invalid_request",
  param: "model",
  detail: `The form's model is another one than ?model= or the header ${MODEL} says. Send the same, or one of them.`,
});

export const tooLarge = (bytesMax: number): Refusal => ({
  reason: "body_too_large",
  detail: `The form is larger than ${bytesMax} bytes (the option limits.uploadBytesMax). Send a shorter file.`,
});

export const tooSlow = (timeoutMs: number): Refusal => ({
  reason: "body_timeout",
  detail: `The form was not there after ${timeoutMs} ms of waiting for it (the option limits.bodyTimeoutMs). Send it faster, or send less.`,
});

export const BROKEN_OFF: Refusal = {
  reason: "invalid_request",
  detail: "The form broke off before its end. Send it whole.",
};
