import type { PublishReceipt, StreamPosition } from "./delivery.js";
import { ConnectionLostError, RequestRejectedError } from "./errors.js";
import type { FrameSender } from "./frameSender.js";
import {
  HistoryOption, Kind, PresenceOption, SubscribedState, SubscribeOption,
  type DeliveryMessage, type ErrorMessage, type HistoryPublication, type HistoryReply, type JoinedOrLeft, type Member, type Missed,
  type PresenceReply, type Published, type Subscribed, type Unsubscribed,
} from "./messages.js";
import { pendingRequest, RequestTable, type PendingRequest } from "./pending.js";
import { onAbort, orAborted, throwIfAborted } from "./signals.js";
import type { Subscription } from "./subscription.js";
import type { ProgressListener } from "./transferProgress.js";
import type { Uploads } from "./uploads.js";

/** Codes of unsubscribed: from the first on, subscribe again; at the second, with no kept state. */
const COME_BACK = 2500, KEEPS_NOTHING = 2502;

/** The request of an unsubscribe whose answer nobody waits for. */
const UNASKED = 0xffff_ffff;

/** Where a page of a history begins, and which way it goes. */
export interface HistoryRange {
  /** Behind this position, or before it if `reverse`; all that is kept without it. */
  readonly since?: StreamPosition | undefined;
  /** Publications at most; 0 asks for the position alone. The hub has a limit of its own, and a page ends where a frame is full. */
  readonly limit?: number | undefined;
  /** Newest first. */
  readonly reverse?: boolean | undefined;
  /** Stops waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** A page of a channel's history. */
export interface HistoryPage {
  /** The channel's newest position. */
  readonly top: StreamPosition;
  /** In the order asked for. */
  readonly publications: readonly HistoryPublication[];
}

/** How to ask who is subscribed to a channel. */
export interface PresenceSettings {
  /** How many, and not who. */
  readonly countsOnly?: boolean | undefined;
  /** Stops waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** Who is subscribed to a channel. */
export interface Presence {
  /** Clients that are subscribed. */
  readonly clients: number;
  /** Distinct users among them; all anonymous clients are one. */
  readonly users: number;
  /** The clients; empty where only counts were asked for. */
  readonly members: readonly Member[];
}

interface PendingPublish extends PendingRequest<PublishReceipt> {
  readonly type: "publish";
}

interface PendingHistory extends PendingRequest<HistoryPage> {
  readonly type: "history";
}

interface PendingPresence extends PendingRequest<Presence> {
  readonly type: "presence";
}

interface PendingSubscribe extends PendingRequest<void> {
  readonly type: "subscribe";
  readonly subscription: Subscription;
}

/** What one connection asks of channels, and the subscriptions that it feeds. */
export class Channels {
  private readonly requests = new RequestTable<PendingPublish | PendingHistory | PendingPresence | PendingSubscribe>();
  private readonly subscriptions = new Map<number, Subscription>();
  private ended: Error | undefined;

  constructor(private readonly sender: FrameSender, private readonly uploads: Uploads) {}

  /** Publishes; the answer is the request's. */
  publish(
    channel: string, data: Uint8Array, progress: ProgressListener | undefined, signal: AbortSignal | undefined,
  ): Promise<PublishReceipt> {
    throwIfAborted(signal);
    const request: PendingPublish = { type: "publish", ...pendingRequest<PublishReceipt>() };
    const id = this.requests.add(request);
    try {
      request.upload = this.uploads.post({ kind: Kind.publish, request: id, channel, data }, progress, failure => this.fail(id, failure));
    } catch (failure) {
      this.requests.take(id);
      throw failure;
    }

    if (signal === undefined) return request.promise;
    const stop = onAbort(signal, reason => {
      if (this.requests.take(id) === undefined) return;
      this.uploads.cancel(request.upload);
      request.reject(reason);
    });
    return request.promise.finally(stop);
  }

  /** Subscribes, from where the subscription stopped if the channel has a history. */
  async subscribe(subscription: Subscription, signal?: AbortSignal): Promise<void> {
    const token = subscription.token();
    const text = typeof token === "string" ? token : await orAborted(token, signal);
    const request: PendingSubscribe = { type: "subscribe", subscription, ...pendingRequest<void>() };
    const { position } = subscription;
    await this.ask(request, signal, id => ({
      kind: Kind.subscribe,
      request: id,
      options: (position === undefined ? 0 : SubscribeOption.recover) | (subscription.wantsMembers ? SubscribeOption.joinLeave : 0),
      epoch: position?.epoch ?? 0n,
      offset: position?.offset ?? 0,
      channel: subscription.channel,
      token: text,
    }));
  }

  /** Reads a page of a history. */
  history(channel: string, range: HistoryRange): Promise<HistoryPage> {
    const { since, limit = 0xffff_ffff, reverse = false } = range;
    if (!(limit >= 0)) throw new RangeError(`The limit of a history is 0 or more, and this one is ${limit}.`);
    const request: PendingHistory = { type: "history", ...pendingRequest<HistoryPage>() };
    return this.ask(request, range.signal, id => ({
      kind: Kind.history,
      request: id,
      options: (since === undefined ? 0 : HistoryOption.since) | (reverse ? HistoryOption.reverse : 0),
      epoch: since?.epoch ?? 0n,
      offset: since?.offset ?? 0,
      limit: Math.min(Math.floor(limit), 0xffff_ffff),
      channel,
    }));
  }

  /** Asks who is subscribed. */
  presence(channel: string, { countsOnly = false, signal }: PresenceSettings): Promise<Presence> {
    const request: PendingPresence = { type: "presence", ...pendingRequest<Presence>() };
    return this.ask(request, signal, id => ({
      kind: Kind.presence, request: id, options: countsOnly ? PresenceOption.countsOnly : 0, channel,
    }));
  }

  /** Subscribes again; a hub that rejects it ends the subscription, a connection that ends does not. */
  async resubscribe(subscription: Subscription): Promise<void> {
    try {
      await this.subscribe(subscription);
    } catch (failure) {
      // After a lost connection, the next one subscribes again.
      if (!(failure instanceof ConnectionLostError)) subscription.end(failure);
    }
  }

  /** Unsubscribes, if the channel is subscribed here; nobody waits for the answer. */
  unsubscribe(subscription: Subscription): void {
    for (const [number, other] of this.subscriptions) {
      if (other !== subscription) continue;
      this.subscriptions.delete(number);
      this.sender.postControl({ kind: Kind.unsubscribe, request: UNASKED, channel: number });
      return;
    }
  }

  onDelivery(delivery: DeliveryMessage): void {
    this.subscriptions.get(delivery.channel)?.take(delivery.offset, delivery.data.slice());
  }

  /** One that came as a transfer, and so perhaps behind later ones. Its data is kept as it is. */
  onLongDelivery(delivery: DeliveryMessage): void {
    this.subscriptions.get(delivery.channel)?.take(delivery.offset, delivery.data);
  }

  onMissed(missed: Missed): void {
    this.subscriptions.get(missed.channel)?.miss(missed.offset, missed.count);
  }

  onPublished(published: Published): void {
    const request = this.requests.take(published.request);
    if (request?.type !== "publish") return;
    this.uploads.cancel(request.upload);
    request.resolve({ offset: published.offset, receivers: published.receivers });
  }

  onHistory(reply: HistoryReply): void {
    const request = this.requests.take(reply.request);
    if (request?.type !== "history") return;
    const publications = reply.publications.map(({ offset, data }) => ({ offset, data: data.slice() }));
    request.resolve({ top: { epoch: reply.epoch, offset: reply.offset }, publications });
  }

  onPresence(reply: PresenceReply): void {
    const request = this.requests.take(reply.request);
    if (request?.type !== "presence") return;
    request.resolve({ clients: reply.clients, users: reply.users, members: reply.members.map(ownMember) });
  }

  /** A client has joined a channel, or left it. */
  onJoinedOrLeft(message: JoinedOrLeft): void {
    this.subscriptions.get(message.channel)?.notify(message.kind === Kind.joined, ownMember(message.member));
  }

  onSubscribed(subscribed: Subscribed): void {
    const request = this.requests.take(subscribed.request);
    if (request?.type !== "subscribe") return;
    const { subscription } = request;
    if (subscription.isLeft) {
      this.sender.postControl({ kind: Kind.unsubscribe, request: UNASKED, channel: subscribed.channel });
      return;
    }

    this.subscriptions.set(subscribed.channel, subscription);
    const isRecoverable = (subscribed.state & SubscribedState.recoverable) !== 0;
    const isRecovered = (subscribed.state & SubscribedState.recovered) !== 0;
    subscription.confirm(isRecoverable, isRecovered, subscribed.epoch, subscribed.offset);
    request.resolve();
  }

  onUnsubscribed({ request, channel, code, text }: Unsubscribed): void {
    // What was asked for is over already, and its number may be a new subscription's.
    if (request !== 0) return;
    const subscription = this.subscriptions.get(channel);
    if (subscription === undefined) return;
    this.subscriptions.delete(channel);
    if (code === KEEPS_NOTHING) subscription.forgetPosition();
    if (code >= COME_BACK) void this.resubscribe(subscription);
    else subscription.end(new RequestRejectedError(code, `The hub has unsubscribed ${subscription.channel}: ${text}`));
  }

  /** The hub rejects a request. */
  onRejected(error: ErrorMessage): void {
    this.fail(error.id, new RequestRejectedError(error.code, `The hub refused: ${error.text} (${error.code})`));
  }

  /** The connection is gone. */
  failAll(failure: Error): void {
    this.ended = failure;
    this.subscriptions.clear();
    this.requests.failAll(failure);
  }

  private async ask<T>(
    request: (PendingHistory | PendingPresence | PendingSubscribe) & PendingRequest<T>,
    signal: AbortSignal | undefined,
    message: (id: number) => Parameters<FrameSender["post"]>[0],
  ): Promise<T> {
    throwIfAborted(signal);
    if (this.ended !== undefined) throw this.ended;
    const id = this.requests.add(request);
    try {
      await this.sender.postWhenRoom(message(id), () => true, signal);
    } catch (failure) {
      this.requests.take(id);
      throw failure;
    }

    // A subscription that is given up now stays in the table: when the hub confirms it, it is told that nobody wants it.
    return await orAborted(request.promise, signal);
  }

  private fail(id: number, failure: Error): void {
    const request = this.requests.take(id);
    if (request === undefined) return;
    this.uploads.cancel(request.upload);
    request.reject(failure);
  }
}

// A message's bytes are a view of its frame.
function ownMember(member: Member): Member {
  return { ...member, connectionInfo: member.connectionInfo.slice(), channelInfo: member.channelInfo.slice() };
}
