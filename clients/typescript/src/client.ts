import { backoff } from "./backoff.js";
import type { CallSettings } from "./callSettings.js";
import type { HistoryPage, HistoryRange, Presence, PresenceSettings } from "./channels.js";
import { lostWith, type CloseInfo } from "./closeInfo.js";
import { Connection, type Parts } from "./connection.js";
import type { PublishReceipt } from "./delivery.js";
import { ConnectionLostError } from "./errors.js";
import { sendAll, type OpenedCall } from "./openedCall.js";
import { notify, settingsOf, type BrokerClientOptions, type Settings } from "./options.js";
import { onAbort, orAborted, throwIfAborted } from "./signals.js";
import { Subscription, type SubscribeSettings } from "./subscription.js";
import { fromJson, toBytes, toJson, type Payload } from "./text.js";
import type { ProgressListener } from "./transferProgress.js";

/** The state of a client's connection. */
export type ClientState = "connecting" | "connected" | "waiting" | "closed";

/** Gets each change of a client's state. It must not wait. */
export type StateListener = (state: ClientState, client: BrokerClient) => void;

/** How to publish. */
export interface PublishSettings {
  /** Gets how many bytes have been sent. */
  readonly onProgress?: ProgressListener | undefined;
  /** Stops waiting, and sending if it is still being sent. What has been sent may be published. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A client of the hub: one connection, made again whenever it is lost.
 *
 * Connecting --welcome--> connected --lost--> waiting --backoff--> connecting; closed after `close`, or when the hub forbids another
 * attempt. A request that waits for its answer when the connection is lost fails, because it is unknown whether it took effect; a
 * request without a connection fails at once. Subscriptions continue after a reconnect.
 *
 * What is sent in one turn of the event loop leaves at its end, together in as few frames as the protocol advises.
 */
export class BrokerClient {
  private readonly subscriptions = new Map<string, Subscription>();
  private readonly listeners = new Set<StateListener>();
  private readonly stop = new AbortController();
  private connection: Connection | undefined;
  private parts: Parts | undefined;
  private current: ClientState = "connecting";
  private last: CloseInfo = lostWith("It has not been connected.");
  private longest = 0;
  private running: Promise<void> = Promise.resolve();

  private constructor(private readonly settings: Settings) {}

  /**
   * Connects. This first attempt is not repeated; afterwards the client reconnects by itself.
   * @param options How, and the bounds.
   * @param signal Gives up.
   * @throws ConnectionLostError It could not connect.
   * @throws RangeError, TypeError An option is wrong.
   */
  static async connect(options: BrokerClientOptions, signal?: AbortSignal): Promise<BrokerClient> {
    const client = new BrokerClient(settingsOf(options));
    throwIfAborted(signal);
    const connection = Connection.start(client.settings);
    const stop = onAbort(signal, () => void connection.close());
    try {
      await orAborted(client.openAsync(connection), signal);
    } finally {
      stop();
    }

    client.running = client.run(connection);
    return client;
  }

  /** The state of the connection. */
  get state(): ClientState {
    return this.current;
  }

  /** How the last connection ended. */
  get lastClose(): CloseInfo {
    return this.last;
  }

  /** The id that the hub gave the connection; undefined without one. */
  get clientId(): string | undefined {
    return this.parts?.welcome.client;
  }

  /** The most bytes of a message that the hub accepts, as a transfer or not; of the last connection while there is none. */
  get messageBytesMax(): number {
    return this.longest;
  }

  /** Calls a listener after each change of the state. Returns what removes it. */
  onStateChange(listener: StateListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Publishes, and waits until the publication has its place in the channel.
   * @param channel The channel.
   * @param data Must not change before the answer. What is too long for a frame is sent as a transfer.
   * @param settings Progress, and what stops it.
   * @throws RequestRejectedError The hub rejected it.
   */
  async publish(channel: string, data: Payload, settings: PublishSettings = {}): Promise<PublishReceipt> {
    checkName(channel);
    return await this.live().channels.publish(channel, toBytes(data), settings.onProgress, settings.signal);
  }

  /**
   * Reads a page of a channel's history.
   * @throws RequestRejectedError 108: the channel keeps no history. 112: another epoch. 103: the client may not. 107: reverse from
   * offset 0.
   */
  async history(channel: string, range: HistoryRange = {}): Promise<HistoryPage> {
    checkName(channel);
    return await this.live().channels.history(channel, range);
  }

  /**
   * Asks who is subscribed to a channel, or how many.
   * @throws RequestRejectedError 108: the channel has no presence. 103: the client may not ask. 106: the list is too long, the counts are
   * not.
   */
  async presence(channel: string, settings: PresenceSettings = {}): Promise<Presence> {
    checkName(channel);
    return await this.live().channels.presence(channel, settings);
  }

  /**
   * Subscribes a channel, and waits until the hub has confirmed. A channel is subscribed once per client.
   * @throws RequestRejectedError The hub rejected it.
   * @throws TypeError The channel is subscribed already.
   */
  async subscribe(channel: string, settings: SubscribeSettings = {}): Promise<Subscription> {
    checkName(channel);
    throwIfAborted(settings.signal);
    const { channels } = this.live();
    if (this.subscriptions.has(channel)) throw new TypeError(`The channel ${channel} is subscribed already.`);
    const subscription = new Subscription(channel, settings, this.settings.subscriptionBytesMax, each => this.leave(each));
    this.subscriptions.set(channel, subscription);
    try {
      await channels.subscribe(subscription, settings.signal);
      return subscription;
    } catch (failure) {
      subscription.unsubscribe();
      throw failure;
    }
  }

  /** Asks the hub whether it is there, between whatever else is being sent. Gives how many milliseconds the answer took. */
  async ping(signal?: AbortSignal): Promise<number> {
    return await this.live().pings.ping(signal);
  }

  /**
   * Calls a method of the hub that has one result.
   * @param method Its name.
   * @param args Must not change before the answer. What is too long for a frame is sent as a transfer.
   * @param settings Deadline, progress, and what cancels it.
   * @throws CallFailedError The method failed, is unknown, or its time is over.
   */
  async call(method: string, args: Payload = "", settings: CallSettings = {}): Promise<Uint8Array> {
    checkName(method);
    return await this.live().calls.call(method, toBytes(args), settings);
  }

  /** Calls a method whose arguments and result are JSON. Nothing checks that the result is a `TResult`. */
  async callJson<TResult = unknown>(method: string, args: unknown, settings: CallSettings = {}): Promise<TResult> {
    return fromJson<TResult>(await this.call(method, toJson(args), settings));
  }

  /**
   * Begins a call with items: arguments that follow, results before the last one, or both. `cancel` it, or take its result.
   * @param method Its name.
   * @param args Those that come first, in a frame if others follow; they must not change before they are sent.
   * @param settings Whether further arguments follow, deadline of the whole call, progress, and what cancels it.
   */
  openCall(method: string, args: Payload = "", settings: CallSettings & { readonly sendsItems?: boolean } = {}): OpenedCall {
    checkName(method);
    return this.live().calls.open(method, toBytes(args), settings.sendsItems ?? false, settings);
  }

  /**
   * Calls a method that has several results, and enumerates them. Leaving the enumeration cancels the call.
   * @param method Its name.
   * @param args Those that come first.
   * @param settings Further arguments, sent as fast as the hub accepts them (what they throw fails the call); deadline, progress, signal.
   * @returns The results; at the end, the last one is the return value.
   * @throws CallFailedError The method failed, is unknown, or its time is over: after the items that came before.
   */
  async *stream(
    method: string,
    args: Payload = "",
    settings: CallSettings & { readonly items?: AsyncIterable<Payload> | Iterable<Payload> } = {},
  ): AsyncGenerator<Uint8Array, Uint8Array, undefined> {
    const { items, ...others } = settings;
    const call = this.openCall(method, args, { ...others, sendsItems: items !== undefined });
    const sending = items === undefined ? Promise.resolve() : sendAll(call, items);
    try {
      for await (const item of call) yield item;
      return await call.result;
    } finally {
      call.cancel();
      await sending;
    }
  }

  /** Closes for good: sends what waits, ends the subscriptions, and fails what waits for an answer. */
  async close(): Promise<void> {
    if (!this.stop.signal.aborted) this.stop.abort();
    await this.connection?.close();
    await this.running;
  }

  private async openAsync(connection: Connection): Promise<void> {
    this.connection = connection;
    this.parts = await connection.open;
    this.longest = this.parts.welcome.streamBytesMax;
    this.enter("connected");
  }

  private async run(first: Connection): Promise<void> {
    let connection: Connection | undefined = first;
    let failures = 0;
    const { clock, backoffMin, backoffMax } = this.settings;
    while (true) {
      if (connection !== undefined) {
        const since = clock.now();
        this.last = await connection.ended;

        // One that the hub admitted and disconnected at once is a failure like any other.
        if (clock.now() - since >= backoffMax) failures = 0;
      }

      this.connection = undefined;
      this.parts = undefined;
      if (this.stop.signal.aborted || !this.last.mayReconnect) break;
      this.enter("waiting");
      await this.wait(this.last.retryAfter ?? backoff(failures, backoffMin, backoffMax, clock.random()));
      failures++;
      if (this.stop.signal.aborted) break;
      connection = await this.tryOpen();
    }

    const failure = this.stop.signal.aborted ? undefined : new ConnectionLostError(this.last);
    for (const subscription of this.subscriptions.values()) subscription.end(failure);
    this.subscriptions.clear();
    this.enter("closed");
  }

  private async tryOpen(): Promise<Connection | undefined> {
    this.enter("connecting");
    if (this.stop.signal.aborted) return undefined;
    const before = [...this.subscriptions.values()];
    const connection = Connection.start(this.settings);
    try {
      await this.openAsync(connection);
    } catch (failure) {
      this.last = (failure as ConnectionLostError).closeInfo;
      return undefined;
    }

    // What subscribed since has done so on this connection by itself.
    for (const subscription of before) {
      if (this.subscriptions.get(subscription.channel) === subscription) void this.parts?.channels.resubscribe(subscription);
    }

    return connection;
  }

  private async wait(milliseconds: number): Promise<void> {
    await new Promise<void>(resolve => {
      const stopTimer = this.settings.clock.after(milliseconds, resolve);
      onAbort(this.stop.signal, () => {
        stopTimer();
        resolve();
      });
    });
  }

  private leave(subscription: Subscription): void {
    if (this.subscriptions.get(subscription.channel) === subscription) this.subscriptions.delete(subscription.channel);
    this.parts?.channels.unsubscribe(subscription);
  }

  private live(): Parts {
    if (this.parts === undefined) throw new ConnectionLostError(this.last);
    return this.parts;
  }

  private enter(state: ClientState): void {
    this.current = state;
    for (const listener of [...this.listeners]) notify(this.settings, () => listener(state, this));
  }
}

function checkName(name: string): void {
  if (typeof name !== "string" || name === "") throw new TypeError("The name of a channel or method is a text that is not empty.");
}
