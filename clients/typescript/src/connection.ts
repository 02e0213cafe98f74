import { Channels } from "./channels.js";
import { brokenBy, closedByBye, closedWith, lostWith, type CloseInfo } from "./closeInfo.js";
import { closeCodeOf, FrameFault, reasonOf } from "./codes.js";
import { FrameReader } from "./decode.js";
import { Downloads } from "./downloads.js";
import { encodeMessage } from "./encode.js";
import { ConnectionLostError } from "./errors.js";
import { openFrame, type OpenedFrame } from "./frameReceiver.js";
import { FrameSender } from "./frameSender.js";
import { InboundCalls, SERVER_BIT } from "./inboundCalls.js";
import {
  Compression, CreditScope, ErrorScope, Kind, StreamOwner, SUBPROTOCOLS, VERSION,
  type Credit, type ErrorMessage, type Message, type Welcome,
} from "./messages.js";
import { notify, type Settings, type WebSocketLike } from "./options.js";
import { OutboundCalls } from "./outboundCalls.js";
import { pendingRequest } from "./pending.js";
import { Pings } from "./pings.js";
import { Uploads } from "./uploads.js";

/** Close codes that a browser lets a program send. */
const NORMAL = 1000;

/** How long the hub's Close frame is waited for, in milliseconds. */
const CLOSE_LIMIT = 1000;

/** The parts of a connection that has its welcome. */
export interface Parts {
  readonly welcome: Welcome;
  readonly channels: Channels;
  readonly calls: OutboundCalls;
  readonly pings: Pings;
}

interface AllParts extends Parts {
  readonly sender: FrameSender;
  readonly uploads: Uploads;
  readonly downloads: Downloads;
  readonly answers: InboundCalls;
}

/**
 * One connection: opening --WebSocket, hello, welcome--> open --close, fault, silence--> ended. It owns the socket, passes each message
 * to the part that it is for, and fails everything that waits when it ends.
 */
export class Connection {
  private readonly ending = pendingRequest<CloseInfo>();
  private readonly opening = pendingRequest<Parts>();
  private socket: WebSocketLike | undefined;
  private parts: AllParts | undefined;
  private isBatched = false;
  private bye: CloseInfo | undefined;
  private closeInfo: CloseInfo | undefined;
  private socketError = "";
  private expanding: Promise<void> | undefined;     // Frames behind a compressed one wait for it.
  private lastHeard = 0;
  private stopLimit: () => void = () => {};
  private stopWatch: () => void = () => {};
  private onSocketClosed: () => void = () => {};

  private constructor(private readonly settings: Settings) {
    this.open = this.opening.promise;
    this.ended = this.ending.promise;
  }

  /** The parts, once the hub has sent its welcome. Fails with a ConnectionLostError if it does not. */
  readonly open: Promise<Parts>;

  /** How the connection ended. Never fails. */
  readonly ended: Promise<CloseInfo>;

  /** Opens a WebSocket and sends hello. */
  static start(settings: Settings): Connection {
    const connection = new Connection(settings);
    const tooLong = lostWith(`${settings.url}: no answer within ${settings.connectLimit / 1000} s.`);
    connection.stopLimit = settings.clock.after(settings.connectLimit, () => connection.closeWith(tooLong, NORMAL, ""));
    void connection.connect();
    return connection;
  }

  /** Sends what waits and ends the connection from this side. Done when the hub has answered, or after a second. */
  async close(): Promise<void> {
    if (this.closeInfo !== undefined) return;
    this.parts?.sender.flush();
    const closed = new Promise<void>(resolve => {
      const stop = this.settings.clock.after(CLOSE_LIMIT, resolve);
      this.onSocketClosed = () => {
        stop();
        resolve();
      };
    });
    const hasSocket = this.socket !== undefined;
    this.closeWith({ code: NORMAL, text: "The client has closed.", mayReconnect: false }, NORMAL, "");
    if (hasSocket) await closed;
  }

  private async connect(): Promise<void> {
    const { settings } = this;
    let token: string;
    try {
      token = typeof settings.token === "function" ? await settings.token() : settings.token;
    } catch (failure) {
      this.end(lostWith(`The token could not be had: ${failure instanceof Error ? failure.message : String(failure)}`));
      return;
    }

    if (this.closeInfo !== undefined) return;
    let socket: WebSocketLike;
    try {
      socket = new settings.WebSocket(settings.url, [...settings.subprotocols]);
    } catch (failure) {
      // Such as an address that is none: another attempt fails alike.
      this.end({ code: 1006, text: failure instanceof Error ? failure.message : String(failure), mayReconnect: false });
      return;
    }

    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.onOpen(socket, token);
    socket.onmessage = (event: { data: unknown }) => this.onFrame(event.data);
    socket.onerror = (event: { message?: unknown }) => {
      if (typeof event.message === "string") this.socketError = event.message;
    };
    socket.onclose = (event: { code: number; reason: string }) => this.onClose(event.code, event.reason);
  }

  private onOpen(socket: WebSocketLike, token: string): void {
    if (this.closeInfo !== undefined) return;
    const { settings } = this;
    if (!SUBPROTOCOLS.includes(socket.protocol)) {
      this.closeWith({ code: 1010, text: "The hub does not speak the native protocol there.", mayReconnect: false }, NORMAL, "");
      return;
    }

    this.isBatched = socket.protocol === SUBPROTOCOLS[0];
    socket.send(encodeMessage({
      kind: Kind.hello,
      version: VERSION,
      compressions: settings.gzip ? Compression.gzip : 0,
      frameBytesMax: settings.frameBytesMax,
      windowChunks: settings.transferWindow,
      windowItems: settings.itemsWindow,
      name: settings.name,
      token,
    }));
  }

  private onClose(code: number, reason: string): void {
    this.onSocketClosed();
    const isTold = this.socketError === "" || (code !== 1006 && code !== 1005);
    const info = isTold ? closedWith(code, reason) : failedWith(this.settings.url, this.socketError);
    if (this.expanding === undefined) this.end(this.bye ?? info);
    else void this.expanding.then(() => this.end(this.bye ?? info));
  }

  private onFrame(data: unknown): void {
    if (this.closeInfo !== undefined) return;
    this.lastHeard = this.settings.clock.now();
    if (typeof data === "string") {
      this.break(FrameFault.textFrame);
      return;
    }

    const frame = new Uint8Array(data as ArrayBuffer);
    if (this.expanding === undefined) {
      const opened = this.openFrame(frame);
      if (!(opened instanceof Promise)) {
        this.takeFrame(opened);
        return;
      }

      this.expand(opened.then(each => this.takeFrame(each)));
    } else {
      this.expand(this.expanding.then(async () => this.takeFrame(await this.openFrame(frame))));
    }
  }

  private expand(done: Promise<void>): void {
    this.expanding = done;
    void done.then(() => {
      if (this.expanding === done) this.expanding = undefined;
    });
  }

  private openFrame(frame: Uint8Array): OpenedFrame | Promise<OpenedFrame> {
    return openFrame(frame, this.parts?.welcome.compressions ?? 0, this.settings.frameBytesMax);
  }

  private takeFrame({ fault, bytes, start }: OpenedFrame): void {
    if (this.closeInfo !== undefined) return;
    if (fault !== 0) {
      this.break(fault);
      return;
    }

    const reader = new FrameReader(bytes, start, this.isBatched);
    let message: Message | undefined;
    while (this.closeInfo === undefined && (message = reader.next()) !== undefined) {
      const wrong = this.parts === undefined ? this.greet(message) : this.take(message);
      if (wrong !== 0) {
        this.break(wrong, reader.index);
        return;
      }
    }

    if (reader.fault !== 0) this.break(reader.fault, reader.index);
  }

  // Before the welcome there is nothing else but why there is none.
  private greet(message: Message): number {
    switch (message.kind) {
      case Kind.welcome:
        if (message.version !== VERSION) return FrameFault.unknownVersion;
        this.begin(message);
        return 0;
      case Kind.error:
        this.onError(message);
        return 0;
      case Kind.bye:
        this.bye = closedByBye(message.code, message.retryMilliseconds, message.text);
        return 0;
      default:
        return FrameFault.outOfTurn;
    }
  }

  private begin(welcome: Welcome): void {
    const { settings } = this;
    this.stopLimit();
    const stuck = (text: string) => this.closeWith(lostWith(text), NORMAL, "");
    const sender = new FrameSender(settings, this.socket!, welcome, this.isBatched, stuck);
    const uploads = new Uploads(settings, sender);
    const calls = new OutboundCalls(settings, sender, uploads, welcome);
    const channels = new Channels(sender, uploads);
    const pings = new Pings(settings.clock, sender);
    const answers = new InboundCalls(settings, sender, uploads, welcome);
    const downloads = new Downloads(settings, sender, calls, welcome, message => this.takeLong(message));
    calls.onAbandoned = call => downloads.abandon(call);
    this.parts = { welcome, channels, calls, pings, sender, uploads, downloads, answers };
    if (settings.keepAlive > 0) this.watch();
    this.opening.resolve(this.parts);
  }

  private take(message: Message): number {
    const { channels, calls, pings, sender, uploads, downloads, answers } = this.parts!;
    switch (message.kind) {
      case Kind.delivery: channels.onDelivery(message); break;
      case Kind.missed: channels.onMissed(message); break;
      case Kind.published: channels.onPublished(message); break;
      case Kind.historyReply: channels.onHistory(message); break;
      case Kind.presenceReply: channels.onPresence(message); break;
      case Kind.joined:
      case Kind.left:
        notify(this.settings, () => channels.onJoinedOrLeft(message));
        break;
      case Kind.subscribed: channels.onSubscribed(message); break;
      case Kind.unsubscribed: channels.onUnsubscribed(message); break;
      case Kind.result: calls.onResult(message.id, message.data.slice()); break;
      case Kind.item:
        if (message.id >= SERVER_BIT) answers.onItem(message);
        else calls.onItem(message);
        break;
      case Kind.itemsEnd: answers.onItemsEnd(message.id); break;
      case Kind.fault: calls.onFault(message); break;
      case Kind.call: answers.start(message); break;
      case Kind.cancel: answers.cancel(message.id); break;
      case Kind.stream: downloads.onStream(message); break;
      case Kind.chunk: downloads.onChunk(message); break;
      case Kind.credit: this.onCredit(message); break;
      case Kind.streamCancel:
        if (message.owner === StreamOwner.mine) downloads.onCancelled(message.stream);
        else uploads.onRejected(message.stream, message.code);
        break;
      case Kind.error: this.onError(message); break;
      case Kind.ping: sender.postControl({ kind: Kind.pong, mark: message.mark }); break;
      case Kind.pong: pings.onPong(message.mark); break;
      case Kind.bye: this.bye = closedByBye(message.code, message.retryMilliseconds, message.text); break;
      default: return FrameFault.outOfTurn;
    }

    return 0;
  }

  // What is long is kept as it is, and not copied once more.
  private takeLong(message: Message): void {
    const { channels, calls } = this.parts!;
    if (message.kind === Kind.delivery) channels.onLongDelivery(message);
    else if (message.kind === Kind.result) calls.onResult(message.id, message.data);
    else {
      const wrong = this.take(message);
      if (wrong !== 0) this.break(wrong);
    }
  }

  private onCredit(credit: Credit): void {
    const { calls, uploads, answers } = this.parts!;
    if (credit.scope === CreditScope.stream) uploads.onCredit(credit.id, credit.count);
    else if (credit.id >= SERVER_BIT) answers.onCredit(credit);
    else calls.onCredit(credit);
  }

  private onError(error: ErrorMessage): void {
    if (error.scope === ErrorScope.connection) this.bye = closedWith(closeCodeOf(error.code), error.text);
    else if (error.scope === ErrorScope.stream) this.parts?.uploads.onRejected(error.id, error.code);
    else this.parts?.channels.onRejected(error);
  }

  // The hub pings at an interval of its own; a client that hears nothing for long asks, and then gives up.
  private watch(): void {
    const { clock, keepAlive } = this.settings;
    this.lastHeard = clock.now();
    let asked = -Infinity;
    const look = () => {
      const now = clock.now();
      const silent = now - this.lastHeard;
      if (silent < keepAlive) {
        this.stopWatch = clock.after(keepAlive - silent, look);
      } else if (asked > this.lastHeard) {
        this.closeWith(lostWith(`The hub was silent for ${Math.round(silent / 1000)} s.`), NORMAL, "");
      } else {
        // By the time that it was asked, and not by that of the last frame: a machine may have slept.
        asked = now;
        this.parts!.pings.ping().catch(() => {});
        this.stopWatch = clock.after(keepAlive, look);
      }
    };
    this.stopWatch = clock.after(keepAlive, look);
  }

  // The hub is told of its fault before the Close frame: a browser lets no program send the code that says it.
  private break(fault: number, messageIndex = 0): void {
    const text = reasonOf(fault);
    this.parts?.sender.postControl(
      { kind: Kind.error, scope: ErrorScope.connection, code: fault, id: 0, chunkIndex: 0, messageIndex, text });
    this.parts?.sender.flush();
    this.closeWith(brokenBy(fault), closeCodeOf(fault), text);
  }

  private closeWith(info: CloseInfo, code: number, reason: string): void {
    const { socket } = this;
    this.end(info);
    if (socket === undefined) return;
    try {
      socket.close(code, reason);
    } catch {
      // A browser allows 1000 and what is free for programs.
      socket.close(NORMAL, reason);
    }
  }

  private end(info: CloseInfo): void {
    if (this.closeInfo !== undefined) return;
    this.closeInfo = info;
    this.stopLimit();
    this.stopWatch();
    const lost = new ConnectionLostError(info);
    if (this.parts !== undefined) {
      const { channels, calls, pings, sender, downloads, answers } = this.parts;
      sender.clear(lost);
      downloads.clear();
      answers.abandonAll();
      channels.failAll(lost);
      calls.failAll(lost);
      pings.failAll(lost);
    }

    this.opening.reject(lost);
    this.ending.resolve(info);
  }
}

// The package ws tells the HTTP status in its message; browsers tell nothing.
function failedWith(url: string, message: string): CloseInfo {
  const status = Number(/Unexpected server response: (\d{3})$/.exec(message)?.[1] ?? 0);
  const text = `${url}: ${message}`;
  if (status === 0) return lostWith(text);
  return { code: status, text, mayReconnect: status === 408 || status === 429 || status >= 500 };
}
