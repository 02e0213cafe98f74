import type { Chunk } from "./messages.js";

/** One incomplete transfer of the hub: the chunks that have come. */
export class IncomingTransfer {
  /** Chunks of the transfer; 0 until the first has come. */
  total = 0;
  /** Bytes that have come. */
  bytes = 0;
  /** Chunks that may come. */
  granted: number;
  /** The last time at which a chunk came. */
  progress: number;
  /** When it began; later by the time for which its credit was withheld. */
  started: number;
  /** Memory that is kept free for the chunks that are still to come. */
  reservedBytes = 0;
  /** Whether all of it has its memory, which comes before the first credit. */
  isReserved = false;
  /** Since when credit is due and withheld for want of memory. */
  withheldSince: number | undefined;

  private readonly chunks = new Map<number, Uint8Array>();

  /**
   * @param id The hub's number.
   * @param purpose What its bytes are.
   * @param call The call that it belongs to.
   * @param announced Bytes of the header, or -1.
   * @param window Chunks before the first credit.
   * @param now The time.
   */
  constructor(
    readonly id: number,
    readonly purpose: number,
    readonly call: number,
    readonly announced: number,
    window: number,
    now: number,
  ) {
    this.granted = window;
    this.progress = now;
    this.started = now;
  }

  get received(): number {
    return this.chunks.size;
  }

  get isComplete(): boolean {
    return this.total > 0 && this.received === this.total;
  }

  /** Whether the sender can only wait. */
  get isHeldUp(): boolean {
    return this.withheldSince !== undefined && this.received >= this.granted;
  }

  has(index: number): boolean {
    return this.chunks.has(index);
  }

  /** Keeps a copy of a chunk. */
  keep(chunk: Chunk): void {
    this.total = chunk.total;
    this.chunks.set(chunk.index, chunk.data.slice());
    this.bytes += chunk.data.length;
  }

  /** The most bytes that are still to come. */
  missingBytes(chunkBytesMax: number, streamBytesMax: number): number {
    if (this.announced >= 0) return this.announced - this.bytes;
    return Math.min((this.total - this.received) * chunkBytesMax, streamBytesMax - this.bytes);
  }

  /** All of its bytes, in order. */
  join(): Uint8Array {
    if (this.total === 1) return this.chunks.get(0)!;
    const whole = new Uint8Array(this.bytes);
    let at = 0;
    for (let index = 0; index < this.total; index++) {
      const chunk = this.chunks.get(index)!;
      whole.set(chunk, at);
      at += chunk.length;
    }

    return whole;
  }
}
