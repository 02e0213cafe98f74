import type { CallSettings } from "./callSettings.js";
import type { BrokerClient } from "./client.js";
import { BrokerError } from "./errors.js";
import type { OpenedCall } from "./openedCall.js";
import { orAborted } from "./signals.js";
import { notifyProgress, piecesOf, type ValueSource } from "./valueSource.js";
import {
  encodeReadStream, encodeScanStream, encodeWriteStream, readAmount, readBool, readEntries, readNumber, type Durability, type ScannedEntry,
} from "./storeCodec.js";
import type { Payload } from "./text.js";

/** Which part of a value is read. */
export interface ReadRange {
  /** The first byte wanted, from 0. */
  readonly from?: number | undefined;
  /** The most bytes wanted; all without it. */
  readonly length?: number | undefined;
}

/** Which keys a scan gives. */
export interface ScanRange {
  /** The first bytes of every key; none means all. */
  readonly prefix?: Payload | undefined;
  /** Begins with the first key that is not below it. To continue behind a key: that key and a byte 0. */
  readonly from?: Payload | undefined;
  /** The most entries, over 0; all without it. */
  readonly limit?: number | undefined;
  /** Leaves the values out; their lengths come. */
  readonly keysOnly?: boolean | undefined;
}

/** A value that is being read: its pieces in order, to be enumerated once. Leaving the enumeration ends the call. */
export interface StoredValue extends AsyncIterable<Uint8Array> {
  /** Bytes of the whole value. */
  readonly length: number;
  /** Reads no more of it. */
  cancel(): void;
}

/**
 * Values of any length, and scans of one moment, a piece at a time: neither side ever holds the whole. The slower side holds the other
 * back. Everything fails as a call does, and what fails or is cancelled has changed nothing.
 */
export class StoreStreams {
  constructor(private readonly client: BrokerClient) {}

  /**
   * Sets a key to what a source has.
   * @param key The key.
   * @param source Bytes, a Blob, a ReadableStream, or any enumeration of pieces.
   * @param durability What the whole value has survived at the answer.
   * @param settings `length`: exactly so many bytes are written, or nothing is; known of bytes and of a Blob. Deadline of the whole;
   * `onUpload` gets the bytes that have been sent.
   * @returns The store's tail: a number that rises with every change.
   */
  async write(
    key: Payload, source: ValueSource, durability: Durability, settings: CallSettings & { readonly length?: number | undefined } = {},
  ): Promise<bigint> {
    const { length, pieces } = piecesOf(source, settings.length);
    const call = this.client.openCall("write_stream", encodeWriteStream(durability, length, key), { ...bare(settings), sendsItems: true });
    const iterator = pieces(call.itemBytesMax);
    let sent = 0;
    try {
      while (true) {
        // A source may be slow: the end of the call does not wait for it.
        const next = await nextOf(iterator, call);
        if (next.done === true) break;
        await call.send(next.value);
        sent += next.value.length;
        notifyProgress(settings.onUpload, sent, length ?? -1);
      }

      call.endArguments();
      return readNumber(await call.result);
    } catch (failure) {
      call.cancel(failure);
      iterator.return(undefined).catch(() => {});
      throw failure;
    }
  }

  /**
   * Reads the value of a key as it is at the beginning, whatever is written meanwhile.
   * @returns The value; null where there is no such key.
   */
  async read(key: Payload, settings: CallSettings & ReadRange = {}): Promise<StoredValue | null> {
    const { from = 0, length } = settings;
    if (!Number.isSafeInteger(from) || from < 0) throw new RangeError(`The first byte of a value is 0 or more, and this one is ${from}.`);
    const call = this.client.openCall("read_stream", encodeReadStream(from, length, key), bare(settings));
    const items = call[Symbol.asyncIterator]();
    const first = await items.next();
    if (first.done === true) {
      if (readBool(await call.result)) throw new BrokerError("The hub's answer is not the result of the method.");
      return null;
    }

    const whole = readAmount(first.value);
    const expected = Math.min(length ?? Infinity, whole - from);
    return { length: whole, cancel: () => call.cancel(), [Symbol.asyncIterator]: () => piecesOfValue(call, items, expected, settings) };
  }

  /**
   * All keys with a prefix in the order of their bytes, as they are at one moment. Leaving the enumeration ends it on the hub, too.
   * @param settings Which keys; deadline of the whole; what stops it.
   */
  async *scan(settings: CallSettings & ScanRange = {}): AsyncGenerator<ScannedEntry, void, undefined> {
    const { prefix = "", from = "", limit, keysOnly = false } = settings;
    if (limit !== undefined && !(limit >= 1)) throw new RangeError(`The limit of a scan is 1 or more, and this one is ${limit}.`);
    const call = this.client.openCall("scan_stream", encodeScanStream(keysOnly, limit ?? 0, prefix, from), bare(settings));
    try {
      for await (const item of call) yield* readEntries(item);
      readAmount(await call.result);
    } finally {
      call.cancel();
    }
  }
}

async function* piecesOfValue(
  call: OpenedCall, items: AsyncIterator<Uint8Array, undefined>, expected: number, settings: CallSettings,
): AsyncGenerator<Uint8Array, void, undefined> {
  let come = 0;
  try {
    while (true) {
      const next = await items.next();
      if (next.done === true) break;
      come += next.value.length;
      notifyProgress(settings.onDownload, come, expected);
      yield next.value;
    }

    if (!readBool(await call.result) || come !== expected) throw new BrokerError(`The hub sent ${come} bytes of ${expected}.`);
  } finally {
    call.cancel();
  }
}

async function nextOf(iterator: AsyncGenerator<Uint8Array, void, undefined>, call: OpenedCall): Promise<IteratorResult<Uint8Array, void>> {
  try {
    return await orAborted(iterator.next(), call.signal);
  } catch (failure) {
    if (!call.signal.aborted) throw failure;
    await call.result;
    throw new BrokerError("The hub has answered before all of the value was sent.");
  }
}

// The arguments of these calls are short, and the results come as items: the call's own progress of either means nothing.
function bare({ deadline, signal }: CallSettings): CallSettings {
  return { deadline, signal };
}
