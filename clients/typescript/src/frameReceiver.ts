import { FrameFault } from "./codes.js";
import { Compression } from "./messages.js";

/** The byte that begins a hub's frame: the compression of the rest. */
const PLAIN = 0;

/** Messages of a frame: where they are, or what is wrong with it. */
export interface OpenedFrame {
  readonly fault: number;
  readonly bytes: Uint8Array;
  /** Where the messages begin. */
  readonly start: number;
}

/**
 * Reads the compression byte of a hub's frame and expands what is compressed.
 * @param frame The payload.
 * @param compressions Those of the welcome; before it, none.
 * @param bytesMax The most bytes, as the frame comes and expanded, whatever it claims.
 * @returns At once where nothing has to be expanded.
 */
export function openFrame(frame: Uint8Array, compressions: number, bytesMax: number): OpenedFrame | Promise<OpenedFrame> {
  if (frame.length === 0) return faulty(FrameFault.emptyPayload);
  if (frame.length > bytesMax) return faulty(FrameFault.payloadTooBig);
  if (frame[0] === PLAIN) return { fault: 0, bytes: frame, start: 1 };
  if (frame[0] !== Compression.gzip || (compressions & Compression.gzip) === 0) return faulty(FrameFault.unknownCompression);
  return gunzip(frame.subarray(1), bytesMax);
}

async function gunzip(compressed: Uint8Array, bytesMax: number): Promise<OpenedFrame> {
  const gzip = new DecompressionStream("gzip");
  const writer = gzip.writable.getWriter();
  writer.write(compressed as Uint8Array<ArrayBuffer>).catch(() => {});
  writer.close().catch(() => {});
  const reader = gzip.readable.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > bytesMax) {
        reader.cancel().catch(() => {});
        return faulty(FrameFault.expandsTooFar);
      }

      pieces.push(value);
    }
  } catch {
    return faulty(FrameFault.badCompression);
  }

  return { fault: 0, bytes: join(pieces, length), start: 0 };
}

function join(pieces: readonly Uint8Array[], length: number): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }

  return whole;
}

function faulty(fault: number): OpenedFrame {
  return { fault, bytes: new Uint8Array(0), start: 0 };
}
