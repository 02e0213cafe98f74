/** A payload: bytes, or a text that is sent in UTF-8. */
export type Payload = Uint8Array | string;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The bytes of a payload; those of a text in UTF-8. Bytes are not copied. */
export function toBytes(payload: Payload): Uint8Array {
  return typeof payload === "string" ? encoder.encode(payload) : payload;
}

/** Bytes as a text. What is not UTF-8 becomes U+FFFD. */
export function toText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/**
 * A value as the bytes of its JSON.
 * @throws TypeError JSON has no form of it, such as of `undefined` or a bigint.
 */
export function toJson(value: unknown): Uint8Array {
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined) throw new TypeError(`JSON has no form of ${typeof value}.`);
  return encoder.encode(json);
}

/**
 * The value of JSON in bytes. Nothing checks that it is a `T`.
 * @throws SyntaxError They are not JSON.
 */
export function fromJson<T = unknown>(bytes: Uint8Array): T {
  return JSON.parse(decoder.decode(bytes)) as T;
}
