import { encodeMessage } from "./encode.js";
import { CHUNK_OVERHEAD_BYTES, HEAD_BYTES, Kind, Purpose, StreamOwner, type Welcome } from "./messages.js";

/** What the hub accepts. */
export interface SendLimits {
  /** A message is sent as a transfer only if it is longer than this. */
  readonly thresholdBytes: number;
  readonly chunkBytesMax: number;
  readonly chunksMax: number;
  readonly streamBytesMax: number;
  readonly streamsMax: number;
  readonly windowChunks: number;
}

/** Longer messages are sent as transfers, whatever a frame could hold. */
const THRESHOLD_BYTES = 512 * 1024;

export function sendLimitsOf(welcome: Welcome): SendLimits {
  return {
    thresholdBytes: Math.min(THRESHOLD_BYTES, welcome.frameBytesMax),
    chunkBytesMax: Math.min(welcome.chunkBytesMax, Math.max(1, welcome.frameBytesMax - CHUNK_OVERHEAD_BYTES)),
    chunksMax: welcome.chunksMax,
    streamBytesMax: welcome.streamBytesMax,
    streamsMax: welcome.streamsMax,
    windowChunks: welcome.windowChunks,
  };
}

/** A message too long for a frame. */
export interface LongMessage {
  /** All of it but its data. */
  readonly head: Uint8Array;
  /** Must not change until it is sent. */
  readonly data: Uint8Array;
  /** Gets the bytes of data that have been handed to the socket. */
  readonly onProgress: (bytes: number) => void;
  /** Called once, when the transfer needs the bytes no longer. */
  readonly onReleased: (bytes: number) => void;
}

interface Outgoing {
  readonly id: number;
  readonly message: LongMessage;
  readonly bytes: number;
  readonly total: number;
  index: number;
  credit: number;
  isHeaderSent: boolean;
  isCancelled: boolean;
  isReleased: boolean;
}

/**
 * The transfers that one connection sends: cut into chunks, one from each in turn, as far as the hub's credit goes. No more than one
 * chunk is ever in memory beside its source.
 */
export class ChunkSender {
  private readonly active: Outgoing[] = [];
  private waiting: Outgoing[] = [];
  private nextId = 0;
  private turn = 0;

  constructor(private readonly limits: SendLimits) {}

  /** Whether the hub accepts a transfer of so many bytes. */
  allows(bytes: number): boolean {
    return bytes <= this.limits.streamBytesMax && this.chunksOf(bytes) <= this.limits.chunksMax;
  }

  /** Takes a message to be sent; it waits while the hub has as many transfers as it accepts. Returns the transfer's number. */
  add(message: LongMessage): number {
    const id = this.nextId;
    this.nextId = (this.nextId + 1) >>> 0;
    const bytes = message.head.length + message.data.length;
    const credit = this.limits.windowChunks;
    this.waiting.push(
      { id, message, bytes, total: this.chunksOf(bytes), index: 0, credit, isHeaderSent: false, isCancelled: false, isReleased: false });
    this.activate();
    return id;
  }

  /** The next message: the header of a transfer, its next chunk, or that it is cancelled. Undefined if there is none, or no credit. */
  next(): Uint8Array | undefined {
    const stream = this.findTurn();
    if (stream === undefined) return undefined;
    if (stream.isCancelled) {
      this.remove(stream);
      return encodeMessage({ kind: Kind.streamCancel, owner: StreamOwner.mine, stream: stream.id, code: 0 });
    }

    if (!stream.isHeaderSent) {
      // The header costs no turn: its first chunk is next.
      stream.isHeaderSent = true;
      return encodeMessage({ kind: Kind.stream, stream: stream.id, purpose: Purpose.message, call: 0, bytes: stream.bytes });
    }

    const chunk = this.chunkOf(stream);
    stream.index++;
    stream.credit--;
    stream.message.onProgress(Math.max(0, this.bytesSent(stream) - stream.message.head.length));

    // What the progress report did may have ended the transfer.
    if (stream.index === stream.total && !stream.isCancelled) this.remove(stream);
    else this.turn++;
    return chunk;
  }

  /** The hub accepts more chunks. Ignored if the transfer has ended meanwhile. */
  grant(id: number, chunks: number): void {
    const stream = this.active.find(each => each.id === id);
    if (stream !== undefined) stream.credit += chunks;
  }

  /**
   * Ends a transfer before its last chunk because this side wants that; the hub is told, in the transfer's own turn, if it has
   * heard of it.
   * @returns Whether there was something left to send.
   */
  cancel(id: number): boolean {
    const stream = this.active.find(each => each.id === id);
    if (stream === undefined) return this.dropWaiting(id);
    if (stream.isCancelled || stream.index === stream.total) return false;
    if (stream.isHeaderSent) {
      stream.isCancelled = true;
      this.release(stream);
    } else {
      this.remove(stream);
    }

    return true;
  }

  /** The hub wants no more of a transfer, and so need not be told. */
  onRejected(id: number): void {
    const stream = this.active.find(each => each.id === id);
    if (stream === undefined) this.dropWaiting(id);
    else this.remove(stream);
  }

  /** The connection is gone. */
  clear(): void {
    for (const stream of [...this.active, ...this.waiting]) this.release(stream);
    this.active.length = 0;
    this.waiting = [];
  }

  private chunksOf(bytes: number): number {
    return Math.max(1, Math.ceil(bytes / this.limits.chunkBytesMax));
  }

  private bytesSent(stream: Outgoing): number {
    return Math.min(stream.bytes, stream.index * this.limits.chunkBytesMax);
  }

  private chunkOf(stream: Outgoing): Uint8Array {
    const { head, data } = stream.message;
    const from = this.bytesSent(stream);
    const to = Math.min(stream.bytes, from + this.limits.chunkBytesMax);
    const chunk = new Uint8Array(CHUNK_OVERHEAD_BYTES + to - from);
    const fields = new DataView(chunk.buffer);
    fields.setUint8(0, Kind.chunk);
    fields.setUint32(1, chunk.length - HEAD_BYTES, true);
    fields.setUint32(5, stream.id, true);
    fields.setUint32(9, stream.index, true);
    fields.setUint32(13, stream.total, true);
    const ofHead = head.subarray(Math.min(from, head.length), Math.min(to, head.length));
    chunk.set(ofHead, CHUNK_OVERHEAD_BYTES);
    chunk.set(data.subarray(Math.max(0, from - head.length), Math.max(0, to - head.length)), CHUNK_OVERHEAD_BYTES + ofHead.length);
    return chunk;
  }

  private findTurn(): Outgoing | undefined {
    for (let i = 0; i < this.active.length; i++) {
      if (this.turn >= this.active.length) this.turn = 0;
      const stream = this.active[this.turn]!;
      if (!stream.isHeaderSent || stream.isCancelled || stream.credit > 0) return stream;
      this.turn++;
    }

    return undefined;
  }

  private dropWaiting(id: number): boolean {
    const dropped = this.waiting.find(each => each.id === id);
    if (dropped === undefined) return false;
    this.waiting = this.waiting.filter(each => each !== dropped);
    this.release(dropped);
    return true;
  }

  private remove(stream: Outgoing): void {
    this.release(stream);
    const at = this.active.indexOf(stream);
    if (at < 0) return;
    this.active.splice(at, 1);
    if (at < this.turn) this.turn--;
    this.activate();
  }

  private release(stream: Outgoing): void {
    if (stream.isReleased) return;
    stream.isReleased = true;
    stream.message.onReleased(stream.bytes);
  }

  private activate(): void {
    while (this.active.length < this.limits.streamsMax && this.waiting.length > 0) this.active.push(this.waiting.shift()!);
  }
}
