import { systemClock, type Clock } from "./clock.js";
import { Methods } from "./methods.js";

/** What the client needs of a WebSocket: that of browsers, of Node.js from 22 on, and of the package `ws`. */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  readonly protocol: string;
  send(data: Uint8Array): void;
  close(code?: number, reason?: string): void;
  // The event types of the implementations have nothing in common.
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
}

/** Makes a WebSocket. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

/** How a client connects, and its bounds. Times are in milliseconds. */
export interface BrokerClientOptions {
  /** Where the hub speaks the native protocol, such as `ws://localhost:8000/ws`; `wss` for TLS. */
  readonly url: string | URL;
  /** What shows who the client is; sent with every hello. A function is asked before each attempt; what it throws is a failed attempt. */
  readonly token?: string | (() => string | Promise<string>);
  /** The name of the program, for the hub's log; at most 255 bytes of UTF-8. Default: `broker-typescript`. */
  readonly name?: string;
  /** Makes the WebSocket. Default: the global `WebSocket`, which Node.js has from 22 on. */
  readonly WebSocket?: WebSocketConstructor;
  /** The subprotocols to offer, the preferred one first. Default: `v3.broker`, `v2.broker`. */
  readonly subprotocols?: readonly string[];
  /** Methods of this program that the hub may call. */
  readonly methods?: Methods;
  /** Lets the hub compress what it sends with gzip, which needs `DecompressionStream`. Default: false. */
  readonly gzip?: boolean;
  /** How long the handshake and the welcome may take. Default: 10 s. */
  readonly connectLimit?: number;
  /** The shortest wait before another attempt, unless the hub names a time. Default: 0.5 s. */
  readonly backoffMin?: number;
  /** The longest wait before another attempt, unless the hub names a time. Default: 20 s. */
  readonly backoffMax?: number;
  /** How long the hub may be silent before the client pings; it must answer within as long again. 0: for ever. Default: 30 s. */
  readonly keepAlive?: number;
  /** Bytes of small messages that may wait to be sent. Beyond them, sending fails. Default: 8 MiB. */
  readonly sendBytesMax?: number;
  /** Bytes of large messages that may wait to be sent; one alone always may. Default: 128 MiB. */
  readonly uploadBytesMax?: number;
  /**
   * Bytes of deliveries that one subscription keeps for its reader. Beyond them the oldest are dropped, and the next one has a gap.
   * Default: 8 MiB.
   */
  readonly subscriptionBytesMax?: number;
  /** Bytes that incomplete transfers from the hub may hold, and unread arguments of its calls. Default: 128 MiB. */
  readonly downloadBytesMax?: number;
  /** The longest frame that the client accepts, as it comes and expanded. The hub requires 262,162 or more. Default: 1 MiB. */
  readonly frameBytesMax?: number;
  /** Chunks of a transfer that the hub may send before it has to wait for credit, over 0. Default: 4, a mebibyte. */
  readonly transferWindow?: number;
  /** Items of a call that the hub may send before the reader has taken some, over 0. Default: 8. */
  readonly itemsWindow?: number;
  /** Gets what a callback of the program threw: a listener, a progress report, a method. Default: `console.error`. */
  readonly onError?: (error: unknown) => void;
  /** The clock of deadlines and backoff. Default: the system's. */
  readonly clock?: Clock;
}

/** Options with their defaults. */
export interface Settings extends Required<Omit<BrokerClientOptions, "url" | "WebSocket">> {
  readonly url: string;
  readonly WebSocket: WebSocketConstructor;
}

const MIB = 1024 * 1024;

/**
 * Checks options, and completes them.
 * @throws RangeError A number is out of its range.
 * @throws TypeError There is no WebSocket, or an option is not of its type.
 */
export function settingsOf(options: BrokerClientOptions): Settings {
  const constructor = options.WebSocket ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
  if (constructor === undefined) {
    throw new TypeError("There is no global WebSocket: give one as the option WebSocket, such as that of the package ws.");
  }

  if (options.gzip === true && typeof DecompressionStream === "undefined") {
    throw new TypeError("gzip needs DecompressionStream, which is not here.");
  }

  const settings: Settings = {
    url: String(options.url),
    WebSocket: constructor,
    token: options.token ?? "",
    name: options.name ?? "broker-typescript",
    subprotocols: options.subprotocols ?? ["v3.broker", "v2.broker"],
    methods: options.methods ?? new Methods(),
    gzip: options.gzip ?? false,
    connectLimit: atLeast(1, "connectLimit", options.connectLimit ?? 10_000),
    backoffMin: atLeast(0, "backoffMin", options.backoffMin ?? 500),
    backoffMax: atLeast(0, "backoffMax", options.backoffMax ?? 20_000),
    keepAlive: atLeast(0, "keepAlive", options.keepAlive ?? 30_000),
    sendBytesMax: atLeast(1, "sendBytesMax", options.sendBytesMax ?? 8 * MIB),
    uploadBytesMax: atLeast(1, "uploadBytesMax", options.uploadBytesMax ?? 128 * MIB),
    subscriptionBytesMax: atLeast(1, "subscriptionBytesMax", options.subscriptionBytesMax ?? 8 * MIB),
    downloadBytesMax: atLeast(1, "downloadBytesMax", options.downloadBytesMax ?? 128 * MIB),
    frameBytesMax: wholeAtLeast(1, "frameBytesMax", options.frameBytesMax ?? MIB),
    transferWindow: wholeAtLeast(1, "transferWindow", options.transferWindow ?? 4),
    itemsWindow: wholeAtLeast(1, "itemsWindow", options.itemsWindow ?? 8),
    onError: options.onError ?? (error => console.error(error)),
    clock: options.clock ?? systemClock,
  };
  if (new TextEncoder().encode(settings.name).length > 255) throw new RangeError("name has at most 255 bytes of UTF-8.");
  if (settings.backoffMax < settings.backoffMin) {
    throw new RangeError(`backoffMax is ${settings.backoffMax}, and backoffMin is ${settings.backoffMin}.`);
  }

  return settings;
}

/** Runs a callback of the program: what it throws goes to `onError`, and changes nothing here. */
export function notify(settings: Settings, run: () => void): void {
  try {
    run();
  } catch (error) {
    settings.onError(error);
  }
}

function atLeast(min: number, name: string, value: number): number {
  if (!(value >= min)) throw new RangeError(`${name} is at least ${min}, and it is ${value}.`);
  return value;
}

function wholeAtLeast(min: number, name: string, value: number): number {
  if (!Number.isInteger(value) || value > 0x7fff_ffff) throw new RangeError(`${name} is a whole number below 2^31, and it is ${value}.`);
  return atLeast(min, name, value);
}
