import { BrokerError, PayloadTooLargeError } from "./errors.js";
import { ItemCredit, UnreadItems } from "./items.js";
import type { OutboundCalls, PendingCall } from "./outboundCalls.js";
import { orAborted, throwIfAborted } from "./signals.js";
import { toBytes, type Payload } from "./text.js";

/**
 * A call that is under way with items in either direction: arguments that follow, and results before the last one.
 *
 * Each direction is bounded: `send` waits while the hub's method is slower than the caller, and the method waits while nobody
 * enumerates here. The enumeration is for one reader; it ends after the last item, and fails as the call does. Leaving it does not
 * end the call: it may be enumerated again, and its result may be needed. `cancel` ends it.
 */
export class OpenedCall implements AsyncIterable<Uint8Array> {
  private readonly credit: ItemCredit;
  private readonly results: UnreadItems;
  private readonly over = new AbortController();
  private isEnded = false;

  /** Made by `BrokerClient.openCall`. */
  constructor(
    private readonly calls: OutboundCalls,
    private readonly call: PendingCall,
    private readonly sendsItems: boolean,
    argumentsWindow: number,
    resultsWindow: number,
  ) {
    this.credit = new ItemCredit(argumentsWindow);
    this.results = new UnreadItems(resultsWindow, items => calls.grant(call, items));
  }

  /** The last result, which ends the call. */
  get result(): Promise<Uint8Array> {
    return this.call.promise;
  }

  /** The longest item that the hub accepts, in bytes. */
  get itemBytesMax(): number {
    return this.calls.itemBytesMax;
  }

  /**
   * Sends one more argument, once the hub gives credit and there is room. For one caller at a time.
   * @param item Must not change before this is done.
   * @param signal Stops waiting; nothing was sent, and the call goes on.
   * @throws BrokerError The call is over: the one that ended it.
   * @throws PayloadTooLargeError It is longer than a frame. Nothing was sent.
   * @throws TypeError The call was opened without further arguments, or has had its last one.
   */
  async send(item: Payload, signal?: AbortSignal): Promise<void> {
    if (!this.sendsItems) throw new TypeError("The call was opened without further arguments: open it with sendsItems.");
    if (this.isEnded) throw new TypeError("The arguments have been ended.");
    const bytes = toBytes(item);
    if (bytes.length > this.itemBytesMax) {
      throw new PayloadTooLargeError(`An item of ${bytes.length} bytes is more than the hub takes: ${this.itemBytesMax}.`);
    }

    throwIfAborted(signal);
    await this.credit.take(signal);
    let isSent = false;
    try {
      isSent = await this.calls.sendItem(this.call, bytes, signal);
    } finally {
      if (!isSent) this.credit.add(1);
    }

    if (isSent) return;
    await this.result;
    throw new BrokerError(`${this.call.method}: the call is over.`);
  }

  /** Ends the further arguments. */
  endArguments(): void {
    if (this.isEnded || !this.sendsItems) return;
    this.isEnded = true;
    this.calls.sendEnd(this.call);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return this.results.read();
  }

  /** Cancels the call, if it is pending: its result and its enumeration fail with the reason. */
  cancel(reason: unknown = new DOMException("The call was cancelled.", "AbortError")): void {
    this.calls.abandon(this.call, reason);
  }

  /** Aborted when the call is over. */
  get signal(): AbortSignal {
    return this.over.signal;
  }

  /** @internal A result has come. Returns false when the hub had no credit for it. */
  add(item: Uint8Array): boolean {
    return this.results.add(item);
  }

  /** @internal The hub may send so many more results. */
  expect(items: number): void {
    this.results.expect(items);
  }

  /** @internal The hub accepts more arguments. */
  onCredit(items: number): void {
    this.credit.add(items);
  }

  /** @internal The call has ended. */
  finish(failure?: unknown): void {
    this.results.end(failure);
    this.credit.end();
    this.over.abort(failure);
  }
}

/** Sends all of some items, and ends the arguments; if they fail, cancels the call with their reason. */
export async function sendAll(call: OpenedCall, items: AsyncIterable<Payload> | Iterable<Payload>): Promise<void> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  try {
    while (true) {
      // A source may be slow: the end of the call does not wait for it.
      const next = await orAborted(Promise.resolve(iterator.next()), call.signal);
      if (next.done === true) break;
      await call.send(next.value);
    }

    call.endArguments();
  } catch (failure) {
    call.cancel(failure);
    Promise.resolve(iterator.return?.()).catch(() => {});
  }
}
