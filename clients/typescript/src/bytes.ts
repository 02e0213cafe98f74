import { FrameFault } from "./codes.js";

const HIGH = 0x1_0000_0000;

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * Reads little-endian fields, one after the other. Never throws and never looks past its end; once `fault` is set it stays, and
 * every further field is 0 or empty.
 */
export class ByteReader {
  /** The first thing that is wrong: 0, or the code of an error of scope 2. */
  fault = 0;

  private readonly view: DataView;
  private at: number;

  /**
   * @param bytes Borrowed; what is read as bytes is a view of them.
   * @param start The first byte to read.
   * @param end Where the last field ends.
   */
  constructor(private readonly bytes: Uint8Array, start = 0, private readonly end = bytes.length) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
  }

  /** Bytes that have not been read. */
  get left(): number {
    return this.end - this.at;
  }

  u8(): number {
    return this.has(1) ? this.view.getUint8(this.at++) : 0;
  }

  u16(): number {
    if (!this.has(2)) return 0;
    const value = this.view.getUint16(this.at, true);
    this.at += 2;
    return value;
  }

  u32(): number {
    if (!this.has(4)) return 0;
    const value = this.view.getUint32(this.at, true);
    this.at += 4;
    return value;
  }

  u64(): bigint {
    if (!this.has(8)) return 0n;
    const value = this.view.getBigUint64(this.at, true);
    this.at += 8;
    return value;
  }

  /** A byte that may have no other bits than these. */
  flags(known: number): number {
    const flags = this.u8();
    if ((flags & ~known) === 0) return flags;
    this.fail(FrameFault.malformed);
    return 0;
  }

  /** A u32 that counts or bounds something, at least `min`. */
  count(min = 0): number {
    const count = this.u32();
    if (count >= min) return count;
    this.fail(FrameFault.malformed);
    return 0;
  }

  /** A u64 that counts or bounds something, at least `min`. From 2^53 on it means the largest possible amount, 2^53 - 1. */
  amount(min = 0): number {
    const amount = Math.min(this.wide(), Number.MAX_SAFE_INTEGER);
    if (amount >= min) return amount;
    this.fail(FrameFault.malformed);
    return 0;
  }

  /** A u64 that says which: exact, so one over 2^53 - 1 is a fault. No channel comes to as many publications. */
  offset(): number {
    const offset = this.wide();
    if (offset <= Number.MAX_SAFE_INTEGER) return offset;
    this.fail(FrameFault.malformed);
    return 0;
  }

  /** Exactly so many bytes, or none when fewer are left. A view. */
  take(length: number): Uint8Array {
    if (!this.has(length)) return EMPTY;
    const start = this.at;
    this.at += length;
    return this.bytes.subarray(start, this.at);
  }

  /** A text of so many bytes. */
  text(length: number): string {
    const bytes = this.take(length);
    try {
      return strictDecoder.decode(bytes);
    } catch {
      this.fail(FrameFault.notUtf8);
      return "";
    }
  }

  /** Everything that is left. A view. */
  rest(): Uint8Array {
    return this.take(this.left);
  }

  /** Everything that is left, which has to be a text. */
  restText(): string {
    return this.text(this.left);
  }

  /** Says that the last field has been read: what is left over is a fault. */
  finish(): number {
    if (this.left > 0) this.fail(FrameFault.malformed);
    return this.fault;
  }

  /** Sets a fault that only the reader of the fields can see. */
  fail(fault: number): void {
    if (this.fault === 0) this.fault = fault;
    this.at = this.end;
  }

  private wide(): number {
    if (!this.has(8)) return 0;
    const value = this.view.getUint32(this.at, true) + this.view.getUint32(this.at + 4, true) * HIGH;
    this.at += 8;
    return value;
  }

  private has(length: number): boolean {
    if (this.fault === 0 && length <= this.end - this.at) return true;
    this.fail(FrameFault.malformed);
    return false;
  }
}

/** Writes little-endian fields into a buffer that grows. */
export class ByteWriter {
  /** Bytes that have been written. */
  length = 0;

  private buffer: Uint8Array;
  private view: DataView;

  constructor(capacity = 64) {
    this.buffer = new Uint8Array(capacity);
    this.view = new DataView(this.buffer.buffer);
  }

  /** What has been written: a view, good until the next write. */
  get written(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.view.setUint16(this.length, value, true);
    this.length += 2;
  }

  u32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.length, value, true);
    this.length += 4;
  }

  u64(value: bigint): void {
    this.reserve(8);
    this.view.setBigUint64(this.length, value, true);
    this.length += 8;
  }

  /** A u64 of a whole number from 0 to 2^53 - 1. */
  wide(value: number): void {
    this.reserve(8);
    this.view.setUint32(this.length, value % HIGH, true);
    this.view.setUint32(this.length + 4, Math.floor(value / HIGH), true);
    this.length += 8;
  }

  bytes(value: Uint8Array): void {
    this.reserve(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  /** A text in UTF-8, without its length. */
  text(value: string): void {
    this.reserve(value.length);
    const start = this.length;
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit >= 0x80) {
        this.bytes(encoder.encode(i === 0 ? value : value.slice(i)));
        return;
      }

      this.buffer[start + i] = unit;
      this.length++;
    }
  }

  /** A text behind its length, a u16. */
  shortText(value: string): void {
    const at = this.length;
    this.u16(0);
    this.text(value);
    const length = this.length - at - 2;
    if (length > 0xffff) throw new RangeError(`A name has at most 65535 bytes of UTF-8, and this one has ${length}.`);
    this.view.setUint16(at, length, true);
  }

  /** Bytes behind their length, a u16. */
  shortBytes(value: Uint8Array): void {
    if (value.length > 0xffff) throw new RangeError(`A key has at most 65535 bytes, and this one has ${value.length}.`);
    this.u16(value.length);
    this.bytes(value);
  }

  /** Overwrites a u32 that was written before. */
  setU32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }

  /** Forgets everything from there on. */
  truncate(length: number): void {
    this.length = length;
  }

  private reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    larger.set(this.buffer.subarray(0, this.length));
    this.buffer = larger;
    this.view = new DataView(larger.buffer);
  }
}

export const EMPTY = new Uint8Array(0);
