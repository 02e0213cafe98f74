import { fromJson, toText } from "./text.js";

/**
 * What may be missing before a delivery. `none`: nothing. `possible`: the connection was lost, and the hub could not say that nothing
 * was published meanwhile. `certain`: something, as the hub reported it or the reader was slower than the channel.
 */
export type Gap = "none" | "possible" | "certain";

/** One publication of a channel. */
export class Delivery {
  constructor(
    /** The channel. */
    readonly channel: string,
    /** Its offset in the channel, from 1; 0 where the channel counts none. */
    readonly offset: number,
    /** What was published. The reader's to keep. */
    readonly data: Uint8Array,
    /** Whether there were others between this one and the one read before. */
    readonly gap: Gap,
    /** How many others, as far as that is known. */
    readonly missed: number,
  ) {}

  /** The data as a text. */
  text(): string {
    return toText(this.data);
  }

  /**
   * The value of the data, which is JSON. Nothing checks that it is a `T`.
   * @throws SyntaxError The data is not JSON.
   */
  json<T = unknown>(): T {
    return fromJson<T>(this.data);
  }
}

/** What came of a publication. */
export interface PublishReceipt {
  /** Its offset in the channel, from 1; 0 where the channel counts none. */
  readonly offset: number;
  /** Subscribers that it was sent to. */
  readonly receivers: number;
}

/** A place in a channel's history. */
export interface StreamPosition {
  /** Offsets of two epochs cannot be compared; 0n in a request stands for whatever epoch the channel has. */
  readonly epoch: bigint;
  /** Of a publication, from 1; 0 is before the first. */
  readonly offset: number;
}
