/** The first byte of each message. */
export const Kind = {
  hello: 0x01,
  welcome: 0x02,
  ping: 0x03,
  pong: 0x04,
  error: 0x05,
  bye: 0x06,
  subscribe: 0x10,
  subscribed: 0x11,
  unsubscribe: 0x12,
  unsubscribed: 0x13,
  publish: 0x14,
  published: 0x15,
  delivery: 0x16,
  missed: 0x17,
  history: 0x18,
  historyReply: 0x19,
  presence: 0x1a,
  presenceReply: 0x1b,
  joined: 0x1c,
  left: 0x1d,
  call: 0x20,
  result: 0x21,
  fault: 0x22,
  cancel: 0x23,
  item: 0x24,
  itemsEnd: 0x25,
  stream: 0x30,
  chunk: 0x31,
  credit: 0x32,
  streamCancel: 0x33,
} as const;

/** Bytes of a message before its body. */
export const HEAD_BYTES = 5;

/** Bytes of a chunk that are not data. */
export const CHUNK_OVERHEAD_BYTES = HEAD_BYTES + 12;

/** Bytes of an item or a result that are not data. */
export const ITEM_OVERHEAD_BYTES = HEAD_BYTES + 4;

/** The version of the protocol. */
export const VERSION = 1;

/** The subprotocols, the preferred one first. */
export const SUBPROTOCOLS: readonly string[] = ["v3.broker", "v2.broker"];

export const SubscribeOption = { recover: 1, joinLeave: 2 } as const;
export const PresenceOption = { countsOnly: 1 } as const;
export const SubscribedState = { recoverable: 1, recovered: 2 } as const;
export const HistoryOption = { since: 1, reverse: 2 } as const;
export const CallOption = { moreArguments: 1 } as const;
export const Purpose = { message: 0, arguments: 1, result: 2 } as const;
export const CreditScope = { stream: 0, call: 1 } as const;
export const StreamOwner = { mine: 0, yours: 1 } as const;
export const ErrorScope = { request: 0, stream: 1, connection: 2 } as const;
export const Compression = { brotli: 1, gzip: 2 } as const;

export interface Hello {
  readonly kind: typeof Kind.hello;
  readonly version: number;
  readonly compressions: number;
  readonly frameBytesMax: number;
  readonly windowChunks: number;
  readonly windowItems: number;
  readonly name: string;
  readonly token: string;
}

export interface Welcome {
  readonly kind: typeof Kind.welcome;
  readonly version: number;
  readonly compressions: number;
  /** The longest payload that the hub accepts. */
  readonly frameBytesMax: number;
  readonly messagesPerFrameMax: number;
  readonly chunkBytesMax: number;
  readonly chunksMax: number;
  readonly streamBytesMax: number;
  readonly streamsMax: number;
  readonly callsMax: number;
  readonly windowChunks: number;
  readonly windowItems: number;
  readonly pingMilliseconds: number;
  readonly client: string;
}

export interface Ping {
  readonly kind: typeof Kind.ping;
  readonly mark: bigint;
}

export interface Pong {
  readonly kind: typeof Kind.pong;
  readonly mark: bigint;
}

export interface ErrorMessage {
  readonly kind: typeof Kind.error;
  readonly scope: number;
  readonly code: number;
  readonly id: number;
  readonly chunkIndex: number;
  readonly messageIndex: number;
  readonly text: string;
}

export interface Bye {
  readonly kind: typeof Kind.bye;
  readonly code: number;
  readonly retryMilliseconds: number;
  readonly text: string;
}

export interface Subscribe {
  readonly kind: typeof Kind.subscribe;
  readonly request: number;
  readonly options: number;
  readonly epoch: bigint;
  readonly offset: number;
  readonly channel: string;
  readonly token: string;
}

export interface Subscribed {
  readonly kind: typeof Kind.subscribed;
  readonly request: number;
  readonly channel: number;
  readonly state: number;
  readonly epoch: bigint;
  readonly offset: number;
}

export interface Unsubscribe {
  readonly kind: typeof Kind.unsubscribe;
  readonly request: number;
  readonly channel: number;
}

export interface Unsubscribed {
  readonly kind: typeof Kind.unsubscribed;
  readonly request: number;
  readonly channel: number;
  readonly code: number;
  readonly text: string;
}

export interface Publish {
  readonly kind: typeof Kind.publish;
  readonly request: number;
  readonly channel: string;
  readonly data: Uint8Array;
}

export interface Published {
  readonly kind: typeof Kind.published;
  readonly request: number;
  readonly receivers: number;
  readonly offset: number;
}

export interface DeliveryMessage {
  readonly kind: typeof Kind.delivery;
  readonly channel: number;
  readonly offset: number;
  readonly data: Uint8Array;
}

export interface Missed {
  readonly kind: typeof Kind.missed;
  readonly channel: number;
  readonly offset: number;
  readonly count: number;
}

export interface HistoryRequest {
  readonly kind: typeof Kind.history;
  readonly request: number;
  readonly options: number;
  readonly epoch: bigint;
  readonly offset: number;
  readonly limit: number;
  readonly channel: string;
}

/** A publication that a channel keeps. */
export interface HistoryPublication {
  readonly offset: number;
  readonly data: Uint8Array;
}

export interface HistoryReply {
  readonly kind: typeof Kind.historyReply;
  readonly request: number;
  readonly epoch: bigint;
  readonly offset: number;
  readonly publications: readonly HistoryPublication[];
}

/** A client that is subscribed to a channel. */
export interface Member {
  /** The client's id. */
  readonly client: string;
  /** Its user; empty for an anonymous client. */
  readonly user: string;
  /** What the application says about the connection; may be empty. */
  readonly connectionInfo: Uint8Array;
  /** What the application says about the client in this channel; may be empty. */
  readonly channelInfo: Uint8Array;
}

export interface PresenceRequest {
  readonly kind: typeof Kind.presence;
  readonly request: number;
  readonly options: number;
  readonly channel: string;
}

export interface PresenceReply {
  readonly kind: typeof Kind.presenceReply;
  readonly request: number;
  readonly clients: number;
  readonly users: number;
  readonly members: readonly Member[];
}

export interface JoinedOrLeft {
  readonly kind: typeof Kind.joined | typeof Kind.left;
  readonly channel: number;
  readonly member: Member;
}

export interface Call {
  readonly kind: typeof Kind.call;
  readonly id: number;
  readonly method: bigint;
  readonly deadlineMilliseconds: number;
  readonly options: number;
  readonly data: Uint8Array;
}

export interface Result {
  readonly kind: typeof Kind.result;
  readonly id: number;
  readonly data: Uint8Array;
}

export interface Fault {
  readonly kind: typeof Kind.fault;
  readonly id: number;
  readonly code: number;
  readonly text: string;
}

export interface Cancel {
  readonly kind: typeof Kind.cancel;
  readonly id: number;
}

export interface Item {
  readonly kind: typeof Kind.item;
  readonly id: number;
  readonly data: Uint8Array;
}

export interface ItemsEnd {
  readonly kind: typeof Kind.itemsEnd;
  readonly id: number;
}

export interface StreamHeader {
  readonly kind: typeof Kind.stream;
  readonly stream: number;
  readonly purpose: number;
  readonly call: number;
  readonly bytes: number;
}

export interface Chunk {
  readonly kind: typeof Kind.chunk;
  readonly stream: number;
  readonly index: number;
  readonly total: number;
  readonly data: Uint8Array;
}

export interface Credit {
  readonly kind: typeof Kind.credit;
  readonly scope: number;
  readonly id: number;
  readonly count: number;
}

export interface StreamCancel {
  readonly kind: typeof Kind.streamCancel;
  readonly owner: number;
  readonly stream: number;
  readonly code: number;
}

/** Messages whose last field is data of any length. */
export type DataMessage = Publish | DeliveryMessage | Call | Result | Item | Chunk;

/** Every message of the protocol, as docs/PROTOCOL.md describes it. */
export type Message =
  | Hello | Welcome | Ping | Pong | ErrorMessage | Bye
  | Subscribe | Subscribed | Unsubscribe | Unsubscribed | Missed | Published | HistoryRequest | HistoryReply
  | PresenceRequest | PresenceReply | JoinedOrLeft
  | Fault | Cancel | ItemsEnd | StreamHeader | Credit | StreamCancel
  | DataMessage;
