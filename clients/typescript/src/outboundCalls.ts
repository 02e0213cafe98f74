import type { CallSettings } from "./callSettings.js";
import { FaultCode } from "./codes.js";
import { BrokerError, CallFailedError, PayloadTooLargeError } from "./errors.js";
import type { FrameSender } from "./frameSender.js";
import {
  CallOption, CreditScope, ITEM_OVERHEAD_BYTES, Kind, type Call, type Credit, type Fault, type Item, type Welcome,
} from "./messages.js";
import { methodId } from "./methodId.js";
import { OpenedCall } from "./openedCall.js";
import type { Settings } from "./options.js";
import { pendingRequest, type PendingRequest } from "./pending.js";
import { onAbort, throwIfAborted } from "./signals.js";
import type { ProgressListener } from "./transferProgress.js";
import type { Uploads } from "./uploads.js";

/** Bytes of a call before its arguments. */
const CALL_OVERHEAD_BYTES = 5 + 17;

/** A call of the hub that has no answer yet. */
export interface PendingCall extends PendingRequest<Uint8Array> {
  readonly id: number;
  readonly method: string;
  readonly onDownload: ProgressListener | undefined;
  readonly stops: Array<() => void>;
  /** Where its items go, if it may have any. */
  items?: OpenedCall;
}

/** The calls of the hub's methods on one connection: each is answered exactly once. */
export class OutboundCalls {
  /** Called with each call that nobody waits for any more, though the hub may be sending its result. */
  onAbandoned: (call: number) => void = () => {};

  private readonly pending = new Map<number, PendingCall>();
  private last = 0;

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

  /** Calls a method. */
  call(method: string, args: Uint8Array, settings: CallSettings): Promise<Uint8Array> {
    return this.start(method, args, settings, 0).promise;
  }

  /** Begins a call that has items. */
  open(method: string, args: Uint8Array, sendsItems: boolean, settings: CallSettings): OpenedCall {
    const call = this.start(method, args, settings, sendsItems ? CallOption.moreArguments : 0);
    call.items = new OpenedCall(this, call, sendsItems, this.welcome.windowItems, this.settings.itemsWindow);
    return call.items;
  }

  isPending(id: number): boolean {
    return this.pending.has(id);
  }

  /** Sends a further argument, once there is room for it. Returns false when the call is over; then nothing was sent. */
  sendItem(call: PendingCall, item: Uint8Array, signal: AbortSignal | undefined): Promise<boolean> {
    return this.sender.postWhenRoom({ kind: Kind.item, id: call.id, data: item }, () => this.isLive(call), signal);
  }

  /** Ends the further arguments. */
  sendEnd(call: PendingCall): void {
    if (this.isLive(call)) this.sender.postControl({ kind: Kind.itemsEnd, id: call.id });
  }

  /** Gives the hub credit for more results. */
  grant(call: PendingCall, items: number): void {
    if (!this.isLive(call)) return;
    call.items!.expect(items);
    this.sender.postControl({ kind: Kind.credit, scope: CreditScope.call, id: call.id, count: items });
  }

  /** One of several results has come. */
  onItem(item: Item): void {
    const call = this.pending.get(item.id);
    if (call === undefined || call.items?.add(item.data.slice()) === true) return;
    const failure = call.items === undefined
      ? `${call.method} has several results: open it as a stream.`
      : `${call.method}: the hub sends more items than it may.`;
    this.abandon(call, new BrokerError(failure));
  }

  /** The hub accepts more arguments. */
  onCredit(credit: Credit): void {
    this.pending.get(credit.id)?.items?.onCredit(credit.count);
  }

  /** A call has come to a result. */
  onResult(id: number, result: Uint8Array): void {
    const call = this.take(id);
    if (call === undefined) return;
    this.uploads.cancel(call.upload);
    call.items?.finish();
    call.resolve(result);
  }

  /** A call has failed. */
  onFault(fault: Fault): void {
    const call = this.take(fault.id);
    if (call === undefined) return;
    this.uploads.cancel(call.upload);
    fail(call, new CallFailedError(call.method, fault.code, fault.text));
  }

  /** The result of a call came as a transfer that was not accepted. */
  onResultLost(id: number, code: number, text: string): void {
    const call = this.take(id);
    if (call === undefined) return;
    this.uploads.cancel(call.upload);
    fail(call, new CallFailedError(call.method, code, `the result could not be taken: ${text}`));
  }

  /** Who gets the progress of a call's result. */
  progressOf(id: number): ProgressListener | undefined {
    return this.pending.get(id)?.onDownload;
  }

  /** Nobody waits for the answer any more, for this reason. */
  abandon(call: PendingCall, reason: unknown): void {
    if (!this.isLive(call)) return;
    this.take(call.id);

    // A call that is still being sent never began over there, so there is nothing to cancel but its transfer.
    if (!this.uploads.cancel(call.upload)) this.sender.postControl({ kind: Kind.cancel, id: call.id });
    this.onAbandoned(call.id);
    fail(call, reason);
  }

  /** The connection is gone. */
  failAll(failure: unknown): void {
    for (const id of [...this.pending.keys()]) fail(this.take(id)!, failure);
  }

  private start(method: string, args: Uint8Array, settings: CallSettings, options: number): PendingCall {
    throwIfAborted(settings.signal);
    const deadline = deadlineOf(settings);
    if (this.pending.size >= this.welcome.callsMax) throw new CallFailedError(method, FaultCode.overloaded, "Too many calls are pending.");
    const call: PendingCall = { ...pendingRequest<Uint8Array>(), id: this.nextId(), method, onDownload: settings.onDownload, stops: [] };

    // Messages behind a transfer may take effect before it, and items without their call would be lost.
    const limit = this.sender.limits.thresholdBytes;
    if (options !== 0 && args.length + CALL_OVERHEAD_BYTES > limit) {
      throw new PayloadTooLargeError(`Arguments that others follow have to fit a frame: ${limit} bytes.`);
    }

    const message: Call = {
      kind: Kind.call,
      id: call.id,
      method: methodId(method),
      deadlineMilliseconds: deadline === Infinity ? 0 : Math.min(Math.max(1, Math.ceil(deadline)), 0xffff_ffff),
      options,
      data: args,
    };
    call.upload = this.uploads.post(message, settings.onUpload, failure => {
      const failed = this.take(call.id);
      if (failed !== undefined) fail(failed, failure);
    });
    this.pending.set(call.id, call);
    if (deadline !== Infinity) {
      const late = new CallFailedError(method, FaultCode.deadline, "The time for it is over.");
      call.stops.push(this.settings.clock.after(deadline, () => this.abandon(call, late)));
    }

    call.stops.push(onAbort(settings.signal, reason => this.abandon(call, reason)));
    return call;
  }

  private nextId(): number {
    do this.last = this.last >= 0x7fff_ffff ? 0 : this.last + 1;
    while (this.pending.has(this.last));
    return this.last;
  }

  // The number may belong to a later call by now.
  private isLive(call: PendingCall): boolean {
    return this.pending.get(call.id) === call;
  }

  private take(id: number): PendingCall | undefined {
    const call = this.pending.get(id);
    if (call === undefined) return undefined;
    this.pending.delete(id);
    for (const stop of call.stops) stop();
    return call;
  }
}

function fail(call: PendingCall, reason: unknown): void {
  call.items?.finish(reason);
  call.reject(reason);
}

function deadlineOf({ deadline }: CallSettings): number {
  if (deadline === undefined) return Infinity;
  if (!(deadline > 0)) throw new RangeError(`A deadline is over 0 ms, and this one is ${deadline}.`);
  return deadline;
}
