import { ByteReader, ByteWriter } from "./bytes.js";
import { BrokerError } from "./errors.js";
import type { Payload } from "./text.js";
import { toBytes } from "./text.js";

/** What a write survives once it is answered: nothing; the end of the hub's process; a power cut. */
export type Durability = "memory" | "system" | "disk";

/** One key of a batch: what it is set to, or, with null, that it is deleted. */
export interface KeyChange {
  readonly key: Payload;
  readonly value: Payload | null;
}

/** One key and its value. */
export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** One entry of a scan that comes as items. */
export interface ScannedEntry {
  readonly key: Uint8Array;
  /** Bytes of its value. */
  readonly valueLength: number;
  /** The value; null where only keys were wanted, or where it is too long for an item: read it by its key. */
  readonly value: Uint8Array | null;
}

const DURABILITIES: Readonly<Record<Durability, number>> = { memory: 0, system: 1, disk: 2 };

/** In place of a length: the key is not there. */
const NO_VALUE = 0xffff_ffff;

/** In place of a length or a count: the caller does not know, or wants all. */
const ANY = 0xffff_ffff_ffff_ffffn;

export function encodeKeys(keys: readonly Payload[]): Uint8Array {
  return write(target => {
    target.u32(keys.length);
    for (const key of keys) target.shortBytes(toBytes(key));
  });
}

export function encodeWrite(durability: Durability, key: Payload, value: Payload): Uint8Array {
  return write(target => {
    target.u8(durabilityOf(durability));
    target.shortBytes(toBytes(key));
    target.bytes(toBytes(value));
  });
}

export function encodeChanges(durability: Durability, changes: readonly KeyChange[]): Uint8Array {
  return write(target => {
    target.u8(durabilityOf(durability));
    target.u32(changes.length);
    for (const { key, value } of changes) {
      target.u8(value === null ? 1 : 0);
      target.shortBytes(toBytes(key));
      if (value === null) continue;
      const bytes = toBytes(value);
      target.u32(bytes.length);
      target.bytes(bytes);
    }
  });
}

export function encodeDelete(durability: Durability, key: Payload): Uint8Array {
  return write(target => {
    target.u8(durabilityOf(durability));
    target.shortBytes(toBytes(key));
  });
}

export function encodeScan(keysOnly: boolean, limit: number, prefix: Payload, after: Payload): Uint8Array {
  return write(target => {
    target.u8(keysOnly ? 1 : 0);
    target.u32(limit);
    target.shortBytes(toBytes(prefix));
    target.shortBytes(toBytes(after));
  });
}

export function encodeWriteStream(durability: Durability, length: number | undefined, key: Payload): Uint8Array {
  return write(target => {
    target.u8(durabilityOf(durability));
    target.u64(length === undefined ? ANY : BigInt(length));
    target.bytes(toBytes(key));
  });
}

export function encodeReadStream(from: number, length: number | undefined, key: Payload): Uint8Array {
  return write(target => {
    target.wide(from);
    target.u64(length === undefined ? ANY : BigInt(length));
    target.bytes(toBytes(key));
  });
}

export function encodeScanStream(keysOnly: boolean, limit: number, prefix: Payload, from: Payload): Uint8Array {
  return write(target => {
    target.u8(keysOnly ? 1 : 0);
    target.wide(limit);
    target.shortBytes(toBytes(prefix));
    target.shortBytes(toBytes(from));
  });
}

/** The value, or null where there is none. */
export function readValue(result: Uint8Array): Uint8Array | null {
  return read(result, body => body.flags(1) === 1 ? body.rest() : null);
}

/** A value, or null, for each key. */
export function readValues(result: Uint8Array, keys: number): Array<Uint8Array | null> {
  return read(result, body => {
    const count = body.u32();
    if (count !== keys) throw new BrokerError(`The hub answered ${keys} keys with ${count} values.`);
    const values: Array<Uint8Array | null> = [];
    for (let i = 0; i < count && body.fault === 0; i++) {
      const length = body.u32();
      values.push(length === NO_VALUE ? null : body.take(length).slice());
    }

    return values;
  });
}

/** A number such as the tail. */
export function readNumber(result: Uint8Array): bigint {
  return read(result, body => body.u64());
}

/** A number of bytes, keys or entries. */
export function readAmount(result: Uint8Array): number {
  return read(result, body => body.amount());
}

/** Yes or no. */
export function readBool(result: Uint8Array): boolean {
  return read(result, body => body.flags(1) === 1);
}

/** Whether a deleted key was there, and the tail. */
export function readDeleted(result: Uint8Array): boolean {
  return read(result, body => {
    const wasThere = body.flags(1) === 1;
    body.u64();
    return wasThere;
  });
}

/** A page of a scan. */
export function readPage(result: Uint8Array): { readonly hasMore: boolean; readonly entries: KeyValue[] } {
  return read(result, body => {
    const hasMore = body.flags(1) === 1;
    const count = body.u32();
    const entries: KeyValue[] = [];
    for (let i = 0; i < count && body.fault === 0; i++) {
      entries.push({ key: body.take(body.u16()).slice(), value: body.take(body.u32()).slice() });
    }

    return { hasMore, entries };
  });
}

/** The entries of one item of a scan. */
export function readEntries(item: Uint8Array): ScannedEntry[] {
  return read(item, body => {
    const entries: ScannedEntry[] = [];
    while (body.left > 0) {
      const key = body.take(body.u16()).slice();
      const hasValue = body.flags(1) === 1;
      const valueLength = body.amount();
      entries.push({ key, valueLength, value: hasValue ? body.take(valueLength).slice() : null });
    }

    return entries;
  });
}

function write(fill: (target: ByteWriter) => void): Uint8Array {
  const target = new ByteWriter();
  fill(target);
  return target.written;
}

function read<T>(result: Uint8Array, fields: (body: ByteReader) => T): T {
  const body = new ByteReader(result);
  const value = fields(body);
  if (body.finish() !== 0) throw new BrokerError("The hub's answer is not the result of the method.");
  return value;
}

function durabilityOf(durability: Durability): number {
  const value = DURABILITIES[durability] as number | undefined;
  if (value === undefined) throw new TypeError(`A durability is memory, system or disk, and not ${durability}.`);
  return value;
}

