import type { ProgressListener } from "./transferProgress.js";
import { toBytes, type Payload } from "./text.js";

/** Where a long value comes from. */
export type ValueSource = Payload | Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** Bytes of one item of a value. */
const PIECE_BYTES = 64 * 1024;

/** A source as pieces that fit an item. */
export interface Pieces {
  /** Bytes of all of them; undefined while unknown. */
  readonly length: number | undefined;
  /** Enumerates them, each with at most so many bytes and never none. */
  readonly pieces: (bytesMax: number) => AsyncGenerator<Uint8Array, void, undefined>;
}

/** Takes a source apart. */
export function piecesOf(source: ValueSource, length: number | undefined): Pieces {
  if (typeof source === "string" || source instanceof Uint8Array) {
    const bytes = toBytes(source);
    return { length: length ?? bytes.length, pieces: bytesMax => cut(once(bytes), bytesMax) };
  }

  if (typeof Blob !== "undefined" && source instanceof Blob) {
    const stream = (): ReadableStream<Uint8Array> => source.stream();
    return { length: length ?? source.size, pieces: bytesMax => cut(chunksOf(stream()), bytesMax) };
  }

  const chunks = source instanceof ReadableStream ? chunksOf(source) : source as AsyncIterable<Uint8Array>;
  return { length, pieces: bytesMax => cut(chunks, bytesMax) };
}

/** Tells how far a value has come. Called on the caller's own path: what it throws ends the operation. */
export function notifyProgress(listener: ProgressListener | undefined, bytes: number, total: number): void {
  listener?.({ bytes, total });
}

// Small chunks are put together. A piece is good until the next one is asked for.
async function* cut(chunks: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array, void, undefined> {
  const pieceBytes = Math.min(PIECE_BYTES, bytesMax);
  const piece = new Uint8Array(pieceBytes);
  let length = 0;
  for await (const chunk of chunks) {
    let at = 0;
    while (at < chunk.length) {
      if (length === 0 && chunk.length - at >= pieceBytes) {
        yield chunk.subarray(at, at + pieceBytes);
        at += pieceBytes;
        continue;
      }

      const part = chunk.subarray(at, at + pieceBytes - length);
      piece.set(part, length);
      length += part.length;
      at += part.length;
      if (length < pieceBytes) continue;
      yield piece;
      length = 0;
    }
  }

  if (length > 0) yield piece.subarray(0, length);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

// Not every browser enumerates a ReadableStream by itself.
async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader();
  let isEnded = false;
  try {
    while (true) {
      const { done, value } = await reader.read();
      isEnded = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!isEnded) await reader.cancel();
    reader.releaseLock();
  }
}
