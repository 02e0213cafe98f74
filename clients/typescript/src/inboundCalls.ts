import { EMPTY } from "./bytes.js";
import { FaultCode, resultFaultOf } from "./codes.js";
import { BrokerError, CallFailedError, PayloadTooLargeError, QueueFullError, RequestRejectedError } from "./errors.js";
import type { FrameSender } from "./frameSender.js";
import { HubCall } from "./hubCall.js";
import { ItemCredit, UnreadItems } from "./items.js";
import { CallOption, CreditScope, ITEM_OVERHEAD_BYTES, Kind, type Call, type Credit, type Item, type Welcome } from "./messages.js";
import type { ClientItemsMethod } from "./methods.js";
import { notify, type Settings } from "./options.js";
import { throwIfAborted } from "./signals.js";
import { toBytes, type Payload } from "./text.js";
import type { Uploads } from "./uploads.js";

/** Calls of the hub that may run at once, and long results that are remembered. */
const CALLS_MAX = 1024;

/** The longest text of a fault. */
const FAULT_TEXT_BYTES_MAX = 4096;

/** The bit of the numbers that the hub chooses. */
export const SERVER_BIT = 0x8000_0000;

/** One call of the hub that has no answer yet. */
export interface InboundCall {
  readonly id: number;
  /** Aborted when the hub waits no longer. */
  readonly over: AbortController;
  /** Results that the hub accepts. */
  readonly credit: ItemCredit;
  /** Where its further arguments go, if it has any. */
  items: UnreadItems | undefined;
  /** Further arguments that wait for the method, in bytes. */
  itemBytes: number;
  stopTimer: () => void;
}

/** The calls of the hub on one connection: each is answered exactly once. */
export class InboundCalls {
  private readonly running = new Map<number, InboundCall>();
  private readonly longResults: number[] = [];      // The hub may reject one when all of it has been sent.
  private itemBytes = 0;                            // Further arguments that wait for their methods.

  constructor(
    private readonly settings: Settings,
    private readonly sender: FrameSender,
    private readonly uploads: Uploads,
    private readonly welcome: Welcome,
  ) {}

  /** The longest item that the hub accepts, in bytes. */
  get itemBytesMax(): number {
    return this.sender.limits.thresholdBytes - ITEM_OVERHEAD_BYTES;
  }

  /** The hub calls. */
  start(call: Call): void {
    const method = this.settings.methods.find(call.method);
    if (call.id < SERVER_BIT || this.running.has(call.id)) this.sendFault(call.id, FaultCode.badId, "");
    else if (method === undefined) this.sendFault(call.id, FaultCode.unknownMethod, "unknown method");
    else if (this.running.size >= CALLS_MAX) this.sendFault(call.id, FaultCode.overloaded, "too many calls are pending");
    else void this.run(this.add(call), method.name, method.run, call.data.slice());
  }

  /** The hub waits no longer. */
  cancel(id: number): void {
    this.break(id, FaultCode.cancelled, "cancelled");
  }

  /** A further argument has arrived; ignored if the call is over. */
  onItem(item: Item): void {
    const call = this.running.get(item.id);
    if (call === undefined) return;
    const bytes = item.data.length;
    if (this.itemBytes + bytes > this.settings.downloadBytesMax) {
      this.break(item.id, FaultCode.overloaded, "arguments of too many bytes are pending");
    } else if (call.items?.add(item.data.slice()) !== true) {
      this.break(item.id, FaultCode.badArguments, "an item without credit, or behind the last one");
    } else {
      call.itemBytes += bytes;
      this.itemBytes += bytes;
    }
  }

  /** The hub has sent its last argument. */
  onItemsEnd(id: number): void {
    this.running.get(id)?.items?.end();
  }

  /** The hub accepts more results. */
  onCredit(credit: Credit): void {
    this.running.get(credit.id)?.credit.add(credit.count);
  }

  /** The connection is gone. */
  abandonAll(): void {
    for (const call of [...this.running.values()]) this.remove(call);
  }

  /** Sends one of several results, once the hub gives credit. */
  async send(call: InboundCall, item: Payload, signal: AbortSignal | undefined): Promise<void> {
    const bytes = toBytes(item);
    if (bytes.length > this.itemBytesMax) {
      throw new PayloadTooLargeError(`An item of ${bytes.length} bytes is more than the hub takes: ${this.itemBytesMax}.`);
    }

    throwIfAborted(signal);
    await call.credit.take(signal);
    let isSent = false;
    try {
      isSent = await this.sender.postWhenRoom({ kind: Kind.item, id: call.id, data: bytes }, () => this.isRunning(call), signal);
    } finally {
      if (!isSent) call.credit.add(1);
    }

    if (!isSent) throw new BrokerError("The call is over.");
  }

  private add(message: Call): InboundCall {
    const call: InboundCall = {
      id: message.id,
      over: new AbortController(),
      credit: new ItemCredit(this.welcome.windowItems),
      items: undefined,
      itemBytes: 0,
      stopTimer: () => {},
    };
    if ((message.options & CallOption.moreArguments) !== 0) {
      call.items = new UnreadItems(this.settings.itemsWindow, (items, bytes) => this.grant(call, items, bytes));
    }

    if (message.deadlineMilliseconds > 0) {
      const late = () => this.break(call.id, FaultCode.deadline, "the time is over");
      call.stopTimer = this.settings.clock.after(message.deadlineMilliseconds, late);
    }

    this.running.set(call.id, call);
    return call;
  }

  private async run(call: InboundCall, name: string, method: ClientItemsMethod, args: Uint8Array): Promise<void> {
    let result: Uint8Array = EMPTY;
    let fault: { readonly code: number; readonly text: string } | undefined;
    try {
      result = toBytes((await method(new HubCall(this, call, name, args))) ?? EMPTY);
      if (result.length <= this.itemBytesMax && await this.trySendResult(call, result)) return;
    } catch (failure) {
      fault = this.faultOf(call, name, failure);
    }

    // One that was cancelled has been answered, and its number may be a later call's.
    if (!this.isRunning(call)) return;
    this.remove(call);
    if (fault === undefined) this.sendLongResult(call.id, result);
    else this.sendFault(call.id, fault.code, fault.text);
  }

  private faultOf(call: InboundCall, name: string, failure: unknown): { readonly code: number; readonly text: string } {
    if (failure instanceof CallFailedError && failure.code > 0 && failure.code <= 0xffff && failure.code !== FaultCode.closed) {
      return { code: failure.code, text: failure.text };
    }

    // A method that ends because it was told to has not failed.
    if (!call.over.signal.aborted) {
      const { methods, onError } = this.settings;
      notify(this.settings, () => methods.onFailed === undefined ? onError(failure) : methods.onFailed(name, failure));
    }

    return { code: FaultCode.internal, text: "internal error" };
  }

  // Earlier items may fill the queue: so the result waits for room.
  private async trySendResult(call: InboundCall, data: Uint8Array): Promise<boolean> {
    const isSent = await this.sender.postWhenRoom({ kind: Kind.result, id: call.id, data }, () => this.isRunning(call));
    if (isSent) this.remove(call);
    return isSent;
  }

  // A result that the hub rejects, at once or in the middle, ends its call with a fault that has the reason.
  private sendLongResult(id: number, data: Uint8Array): void {
    try {
      const transfer = this.uploads.post({ kind: Kind.result, id, data }, undefined, why => {
        const code = why instanceof RequestRejectedError ? resultFaultOf(why.code) : FaultCode.resultTooBig;
        this.sendFault(id, code, why.message);
      });
      if (transfer === undefined) return;
      this.longResults.push(transfer);
      if (this.longResults.length > CALLS_MAX) this.uploads.forget(this.longResults.shift()!);
    } catch (failure) {
      if (failure instanceof PayloadTooLargeError) this.sendFault(id, FaultCode.resultTooBig, failure.message);
      else if (failure instanceof QueueFullError) this.sendFault(id, FaultCode.overloaded, "too much waits to be sent");
      else throw failure;
    }
  }

  // A method has read further arguments, so the hub may send as many more.
  private grant(call: InboundCall, items: number, bytes: number): void {
    if (!this.isRunning(call)) return;
    call.items!.expect(items);
    call.itemBytes -= bytes;
    this.itemBytes -= bytes;
    this.sender.postControl({ kind: Kind.credit, scope: CreditScope.call, id: call.id, count: items });
  }

  private break(id: number, code: number, text: string): void {
    const call = this.running.get(id);
    if (call === undefined) return;
    this.remove(call);
    this.sendFault(id, code, text);
  }

  private remove(call: InboundCall): void {
    this.running.delete(call.id);
    this.itemBytes -= call.itemBytes;
    call.stopTimer();
    call.items?.end(new BrokerError("The call is over."));
    call.credit.end();
    call.over.abort();
  }

  private isRunning(call: InboundCall): boolean {
    return this.running.get(call.id) === call;
  }

  private sendFault(id: number, code: number, text: string): void {
    this.sender.postControl({ kind: Kind.fault, id, code, text: shorten(text) });
  }
}

// For people, and for one frame: cut between two characters.
function shorten(text: string): string {
  if (text.length * 3 <= FAULT_TEXT_BYTES_MAX) return text;
  const room = new Uint8Array(FAULT_TEXT_BYTES_MAX);
  return text.slice(0, new TextEncoder().encodeInto(text, room).read);
}
