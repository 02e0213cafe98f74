import type { Delivery, StreamPosition } from "./delivery.js";
import { DeliveryQueue } from "./deliveryQueue.js";
import type { Member } from "./messages.js";
import { SeenOffsets } from "./seenOffsets.js";

/** How to subscribe. */
export interface SubscribeSettings {
  /**
   * What shows that the client may; sent again after each reconnect. A function is asked each time; what it throws ends the
   * subscription.
   */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Continues after a position of an earlier subscription, if the channel's history still has everything since. */
  readonly since?: StreamPosition | undefined;
  /** Called when a client has subscribed to the channel, this one too, where the channel's namespace has joins and leaves. */
  readonly onJoin?: ((member: Member) => void) | undefined;
  /** Called when a client has left the channel. */
  readonly onLeave?: ((member: Member) => void) | undefined;
  /** Stops waiting for the hub's confirmation, and gives the subscription up. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The deliveries of one channel, for one reader. Survives the loss of the connection, and tells what may be missing.
 *
 * The enumeration ends when this is unsubscribed or the client is closed, and fails when the hub ends the subscription or forbids
 * another connection. A reader that is slower than the channel loses the oldest deliveries; the next one has their number. Leaving the
 * enumeration does not unsubscribe: it may be enumerated again.
 */
export class Subscription implements AsyncIterable<Delivery> {
  private readonly seen = new SeenOffsets();
  private readonly queue: DeliveryQueue;
  private epoch = 0n;
  private canRecover = false;
  private wasConfirmed = false;
  private hasRecovered = false;
  private isOver = false;

  /** Made by `BrokerClient.subscribe`. */
  constructor(
    /** The channel. */
    readonly channel: string,
    private readonly settings: SubscribeSettings,
    bytesMax: number,
    private readonly leave: (subscription: Subscription) => void,
  ) {
    this.queue = new DeliveryQueue(bytesMax);
    if (settings.since === undefined) return;

    // It goes on where an earlier one stopped, as after a reconnect.
    this.epoch = settings.since.epoch;
    this.seen.reset(settings.since.offset);
    this.canRecover = true;
    this.wasConfirmed = true;
  }

  /** Where to continue: nothing before it is missing. Undefined where the channel keeps no history. */
  get position(): StreamPosition | undefined {
    return this.canRecover ? { epoch: this.epoch, offset: this.seen.whole } : undefined;
  }

  /** Whether the hub could continue at the last confirmation: nothing was lost since `since`, or since the connection before. */
  get recovered(): boolean {
    return this.hasRecovered;
  }

  [Symbol.asyncIterator](): AsyncIterator<Delivery, undefined> {
    return {
      next: () => this.queue.next(),
      return: () => Promise.resolve({ done: true, value: undefined }),
    };
  }

  /** Unsubscribes and ends the enumeration, without waiting for the hub's answer. */
  unsubscribe(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.leave(this);
    this.queue.end();
  }

  /** @internal Whether nobody reads it any more, so that a late confirmation is answered with unsubscribe. */
  get isLeft(): boolean {
    return this.isOver;
  }

  /** @internal Whether joins and leaves are asked for. */
  get wantsMembers(): boolean {
    return this.settings.onJoin !== undefined || this.settings.onLeave !== undefined;
  }

  /** @internal A client has joined, or left. */
  notify(hasJoined: boolean, member: Member): void {
    if (hasJoined) this.settings.onJoin?.(member);
    else this.settings.onLeave?.(member);
  }

  /** @internal */
  token(): string | Promise<string> {
    const { token } = this.settings;
    return typeof token === "function" ? token() : token ?? "";
  }

  /** @internal The hub has confirmed, for the first time or again. */
  confirm(isRecoverable: boolean, isRecovered: boolean, epoch: bigint, offset: number): void {
    const isNothingNew = this.canRecover && isRecoverable && epoch === this.epoch && offset === this.seen.whole;
    this.hasRecovered = isRecovered || isNothingNew;
    if (this.wasConfirmed && !this.hasRecovered) this.queue.addGap("possible", 0);
    if (!this.wasConfirmed || !isRecovered) this.seen.reset(offset);
    this.epoch = epoch;
    this.canRecover = isRecoverable;
    this.wasConfirmed = true;
  }

  /** @internal The hub keeps nothing that the old position means. */
  forgetPosition(): void {
    this.canRecover = false;
  }

  /** @internal A delivery has come; one that came before, perhaps on another connection, is not given twice. */
  take(offset: number, data: Uint8Array): void {
    if (offset !== 0 && this.seen.add(offset) === 0) return;
    this.queue.add(this.channel, offset, data);
    this.giveUpHoles();
  }

  /** @internal The hub reports what it will not deliver. */
  miss(offset: number, count: number): void {
    const missed = offset === 0 ? count : this.seen.add(offset, count);
    if (missed > 0) this.queue.addGap("certain", missed);
    this.giveUpHoles();
  }

  /** @internal No more deliveries come. */
  end(failure?: unknown): void {
    this.isOver = true;
    this.queue.end(failure);
  }

  private giveUpHoles(): void {
    const missed = this.seen.giveUpOldest();
    if (missed > 0) this.queue.addGap("certain", missed);
  }
}
