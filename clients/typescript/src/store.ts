import type { CallSettings } from "./callSettings.js";
import type { BrokerClient } from "./client.js";
import {
  encodeChanges, encodeDelete, encodeKeys, encodeScan, encodeWrite, readAmount, readBool, readDeleted, readNumber, readPage, readValue,
  readValues,
  type Durability, type KeyChange, type KeyValue,
} from "./storeCodec.js";
import { StoreStreams } from "./storeStreams.js";
import { toBytes, type Payload } from "./text.js";

/** Entries that a page of a scan is asked for. */
const PAGE_ENTRIES = 1000;

/**
 * The hub's keyed store, over the calls of a client. A key and a value are bytes, or a text in UTF-8. Everything fails as a call does:
 * where the store rejects a request, with a `CallFailedError`.
 */
export class Store {
  /** Values of any length, and scans of one moment. */
  readonly streams: StoreStreams;

  constructor(private readonly client: BrokerClient) {
    this.streams = new StoreStreams(client);
  }

  /** The value of a key, or null where there is none. */
  async read(key: Payload, settings?: CallSettings): Promise<Uint8Array | null> {
    return readValue(await this.client.call("read", key, settings));
  }

  /** The values of keys at one moment, in the order of the keys; null where there is none. */
  async readAll(keys: readonly Payload[], settings?: CallSettings): Promise<Array<Uint8Array | null>> {
    return readValues(await this.client.call("batch_read", encodeKeys(keys), settings), keys.length);
  }

  /** Sets a key. Gives the store's tail: a number that rises with every change. */
  async write(key: Payload, value: Payload, durability: Durability, settings?: CallSettings): Promise<bigint> {
    return readNumber(await this.client.call("write", encodeWrite(durability, key, value), settings));
  }

  /** Makes all changes in their order, or none. Gives the store's tail. */
  async writeAll(changes: readonly KeyChange[], durability: Durability, settings?: CallSettings): Promise<bigint> {
    return readNumber(await this.client.call("batch_write", encodeChanges(durability, changes), settings));
  }

  /** Deletes a key. Gives whether it was there. */
  async delete(key: Payload, durability: Durability, settings?: CallSettings): Promise<boolean> {
    return readDeleted(await this.client.call("delete", encodeDelete(durability, key), settings));
  }

  /** Whether a key is there. */
  async exists(key: Payload, settings?: CallSettings): Promise<boolean> {
    return readBool(await this.client.call("exists", key, settings));
  }

  /** How many keys there are. */
  async count(settings?: CallSettings): Promise<number> {
    return readAmount(await this.client.call("len", "", settings));
  }

  /** Whether there is no key. */
  async isEmpty(settings?: CallSettings): Promise<boolean> {
    return readBool(await this.client.call("is_empty", "", settings));
  }

  /** Bytes on the hub's disk. */
  async fileBytes(settings?: CallSettings): Promise<number> {
    return readAmount(await this.client.call("file_size", "", settings));
  }

  /**
   * All keys with a prefix in the order of their bytes, page by page: each page is of one moment, the whole is not.
   * @param prefix The first bytes of every key; none means all.
   * @param settings Whether the values are left out; deadline of each page; what stops it.
   */
  async *scan(
    prefix: Payload = "", settings: CallSettings & { readonly keysOnly?: boolean } = {},
  ): AsyncGenerator<KeyValue, void, undefined> {
    const first = toBytes(prefix);
    let after: Uint8Array = toBytes("");
    while (true) {
      const page = readPage(await this.client.call("scan", encodeScan(settings.keysOnly ?? false, PAGE_ENTRIES, first, after), settings));
      yield* page.entries;
      const last = page.entries[page.entries.length - 1];
      if (!page.hasMore || last === undefined) return;
      after = last.key;
    }
  }
}
