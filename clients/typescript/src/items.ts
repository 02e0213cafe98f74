import { Queue } from "./queue.js";
import { Waiters } from "./signals.js";

/** The most credit that is counted: more than there could ever be under way is as good as endless. */
const CREDIT_MAX = 1 << 20;

/** Items of one call that the other side accepts: a sender waits for credit. */
export class ItemCredit {
  private readonly waiters = new Waiters();
  private isOver = false;

  /** @param credit Items before the first credit. */
  constructor(private credit: number) {}

  /** Whether the next `take` does not wait. */
  get isThere(): boolean {
    return this.credit > 0 || this.isOver;
  }

  /** Takes the credit of one item, once there is some or the call is over. */
  async take(signal?: AbortSignal): Promise<void> {
    while (this.credit === 0 && !this.isOver) await this.waiters.wait(signal);
    if (this.credit > 0) this.credit--;
  }

  /** The other side accepts more. */
  add(items: number): void {
    this.credit = Math.min(CREDIT_MAX, this.credit + items);
    for (let i = 0; i < items && this.waiters.count > 0; i++) this.waiters.wakeFirst();
  }

  /** The call is over: nobody waits any more. */
  end(): void {
    this.isOver = true;
    this.waiters.wakeAll();
  }
}

/**
 * The items of one call that have come and have not been read. Bounded by credit: the other side may send as many as the window, and
 * then as many more as have been read. For one reader at a time; who leaves an enumeration may go on with another.
 */
export class UnreadItems implements AsyncIterable<Uint8Array> {
  private readonly items = new Queue<Uint8Array>();
  private readonly waiters = new Waiters();
  private readonly grantEach: number;
  private readItems = 0;
  private readBytes = 0;
  private isEnded = false;
  private failure: unknown;

  /**
   * @param credit Items that the other side may send before the first credit.
   * @param onRead Called when items have been read, several at a time: how many, and their bytes.
   */
  constructor(private credit: number, private readonly onRead: (items: number, bytes: number) => void) {
    this.grantEach = Math.max(1, Math.floor(credit / 2));
  }

  /** Adds an item. Returns false when the other side has no credit for it, or has sent its last one. */
  add(item: Uint8Array): boolean {
    if (this.credit <= 0 || this.isEnded) return false;
    this.credit--;
    this.items.push(item);
    this.waiters.wakeFirst();
    return true;
  }

  /** The other side has been given so much more credit. */
  expect(items: number): void {
    this.credit += items;
  }

  /** No more come; what is there can still be read. Only the first end counts. */
  end(failure?: unknown): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.failure = failure;
    this.waiters.wakeAll();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return this.read();
  }

  /** Reads them in their order; ends behind the last one, or fails as the call does. */
  read(signal?: AbortSignal): AsyncIterator<Uint8Array, undefined> & AsyncIterable<Uint8Array> {
    let unconfirmed = -1;       // Bytes of the item that the reader works on.
    const confirm = () => {
      if (unconfirmed >= 0) this.count(unconfirmed);
      unconfirmed = -1;
    };
    const iterator = {
      next: async (): Promise<IteratorResult<Uint8Array, undefined>> => {
        confirm();
        while (this.items.length === 0) {
          if (this.failure !== undefined) throw this.failure;
          if (this.isEnded) return { done: true, value: undefined };
          await this.waiters.wait(signal);
        }

        const value = this.items.shift()!;
        unconfirmed = value.length;
        return { done: false, value };
      },
      return: async (): Promise<IteratorResult<Uint8Array, undefined>> => {
        confirm();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  private count(bytes: number): void {
    this.readItems++;
    this.readBytes += bytes;
    if (this.readItems < this.grantEach) return;
    const items = this.readItems;
    const sum = this.readBytes;
    this.readItems = 0;
    this.readBytes = 0;
    this.onRead(items, sum);
  }
}
