import { ByteReader } from "./bytes.js";
import { FrameFault } from "./codes.js";
import { HEAD_BYTES, Kind, type HistoryPublication, type Member, type Message } from "./messages.js";

/** Which side reads: there are kinds that it is never sent. */
export type Side = "client" | "server";

const TO_SERVER_ONLY: ReadonlySet<number> = new Set(
  [Kind.hello, Kind.subscribe, Kind.unsubscribe, Kind.publish, Kind.history, Kind.presence]);
const TO_CLIENT_ONLY: ReadonlySet<number> = new Set(
  [
    Kind.welcome, Kind.subscribed, Kind.unsubscribed, Kind.published, Kind.delivery, Kind.missed, Kind.historyReply,
    Kind.presenceReply, Kind.joined, Kind.left,
  ]);
const KNOWN: ReadonlySet<number> = new Set(Object.values(Kind));

/** Most messages of a frame that a client accepts. */
const MESSAGES_MAX = 4096;

/**
 * Reads the messages of one frame, one at a time: those before a bad one are given, and take effect first. No length is
 * believed before its bytes are there, and bytes in a message are a view of the frame.
 */
export class FrameReader {
  /** What is wrong, once `next` has found it: the code of an error of scope 2, or 0. */
  fault = 0;

  private at: number;
  private count = 0;

  /**
   * @param frame The payload. Borrowed.
   * @param start Where its messages begin: behind the compression byte of a server's frame.
   * @param isBatched Whether `v3.broker` was agreed on, and not `v2.broker`.
   * @param side The side that reads.
   */
  constructor(
    private readonly frame: Uint8Array,
    start: number,
    private readonly isBatched: boolean,
    private readonly side: Side = "client",
  ) {
    this.at = start;
    if (start >= frame.length) this.fault = FrameFault.emptyPayload;
  }

  /** Which message was read last, from 0; after a fault, the one that is wrong. */
  get index(): number {
    return Math.max(0, this.count - 1);
  }

  /** The next message; undefined after the last one, and at a fault. */
  next(): Message | undefined {
    if (this.fault !== 0 || this.at === this.frame.length) return undefined;
    this.count++;
    if (this.count > 1 && !this.isBatched) return this.refuse(FrameFault.notBatched);
    if (this.count > MESSAGES_MAX) return this.refuse(FrameFault.tooManyMessages);

    const { frame, at } = this;
    const kind = frame[at]!;
    if (!KNOWN.has(kind)) return this.refuse(FrameFault.unknownKind);
    if (frame.length - at < HEAD_BYTES) return this.refuse(FrameFault.truncated);
    const length = lengthAt(frame, at + 1);
    if (length > frame.length - at - HEAD_BYTES) return this.refuse(FrameFault.truncated);
    if ((this.side === "client" ? TO_SERVER_ONLY : TO_CLIENT_ONLY).has(kind)) return this.refuse(FrameFault.wrongSide);

    const end = at + HEAD_BYTES + length;
    const reader = new ByteReader(frame, at + HEAD_BYTES, end);
    const message = readBody(kind, reader);
    const fault = reader.finish();
    if (fault !== 0) return this.refuse(fault);
    this.at = end;
    return message;
  }

  private refuse(fault: number): undefined {
    this.fault = fault;
    return undefined;
  }
}

/** Reads the one message that came as a transfer; undefined where its bytes are not one that this side may be sent so. */
export function readLongMessage(bytes: Uint8Array, side: Side = "client"): Message | undefined {
  const reader = new FrameReader(bytes, 0, false, side);
  const message = reader.next();
  if (message === undefined || message.kind === Kind.hello || message.kind >= Kind.stream) return undefined;
  return reader.next() === undefined && reader.fault === 0 ? message : undefined;
}

function lengthAt(frame: Uint8Array, at: number): number {
  return frame[at]! + frame[at + 1]! * 0x100 + frame[at + 2]! * 0x1_0000 + frame[at + 3]! * 0x100_0000;
}

function readBody(kind: number, body: ByteReader): Message {
  switch (kind) {
    case Kind.delivery:
      return { kind, channel: body.u32(), offset: body.offset(), data: body.rest() };
    case Kind.published:
      return { kind, request: body.u32(), receivers: body.u32(), offset: body.offset() };
    case Kind.result:
    case Kind.item:
      return { kind, id: body.u32(), data: body.rest() };
    case Kind.chunk:
      return { kind, stream: body.u32(), index: body.u32(), total: body.u32(), data: body.rest() };
    case Kind.hello:
      return {
        kind,
        version: body.u16(),
        compressions: body.flags(3),
        frameBytesMax: body.count(1),
        windowChunks: body.count(),
        windowItems: body.count(),
        name: body.text(body.u8()),
        token: body.restText(),
      };
    case Kind.welcome:
      return {
        kind,
        version: body.u16(),
        compressions: body.flags(3),
        frameBytesMax: body.count(1),
        messagesPerFrameMax: body.count(1),
        chunkBytesMax: body.count(1),
        chunksMax: body.count(1),
        streamBytesMax: body.amount(1),
        streamsMax: body.count(1),
        callsMax: body.count(1),
        windowChunks: body.count(1),
        windowItems: body.count(1),
        pingMilliseconds: body.count(),
        client: body.restText(),
      };
    case Kind.ping:
    case Kind.pong:
      return { kind, mark: body.u64() };
    case Kind.error: {
      const scope = body.u8();
      if (scope > 2) body.fail(FrameFault.malformed);
      return { kind, scope, code: body.u16(), id: body.u32(), chunkIndex: body.u32(), messageIndex: body.u32(), text: body.restText() };
    }

    case Kind.bye:
      return { kind, code: body.u16(), retryMilliseconds: body.u32(), text: body.restText() };
    case Kind.subscribe:
      return {
        kind,
        request: body.u32(),
        options: body.flags(3),
        epoch: body.u64(),
        offset: body.offset(),
        channel: body.text(body.u16()),
        token: body.restText(),
      };
    case Kind.subscribed:
      return { kind, request: body.u32(), channel: body.u32(), state: body.flags(3), epoch: body.u64(), offset: body.offset() };
    case Kind.unsubscribe:
      return { kind, request: body.u32(), channel: body.u32() };
    case Kind.unsubscribed:
      return { kind, request: body.u32(), channel: body.u32(), code: body.u16(), text: body.restText() };
    case Kind.publish:
      return { kind, request: body.u32(), channel: body.text(body.u16()), data: body.rest() };
    case Kind.missed:
      return { kind, channel: body.u32(), offset: body.offset(), count: body.amount() };
    case Kind.history:
      return {
        kind,
        request: body.u32(),
        options: body.flags(3),
        epoch: body.u64(),
        offset: body.offset(),
        limit: body.count(),
        channel: body.restText(),
      };
    case Kind.historyReply:
      return { kind, request: body.u32(), epoch: body.u64(), offset: body.offset(), publications: readPublications(body) };
    case Kind.presence:
      return { kind, request: body.u32(), options: body.flags(1), channel: body.restText() };
    case Kind.presenceReply:
      return { kind, request: body.u32(), clients: body.u32(), users: body.u32(), members: readMembers(body) };
    case Kind.joined:
    case Kind.left:
      return { kind, channel: body.u32(), member: readMember(body) };
    case Kind.call:
      return { kind, id: body.u32(), method: body.u64(), deadlineMilliseconds: body.u32(), options: body.flags(1), data: body.rest() };
    case Kind.fault:
      return { kind, id: body.u32(), code: body.u16(), text: body.restText() };
    case Kind.cancel:
    case Kind.itemsEnd:
      return { kind, id: body.u32() };
    case Kind.stream: {
      const stream = body.u32();
      const purpose = body.u8();
      if (purpose > 2) body.fail(FrameFault.malformed);
      return { kind, stream, purpose, call: body.u32(), bytes: body.amount() };
    }

    case Kind.credit:
      return { kind, scope: body.flags(1), id: body.u32(), count: body.count() };
    default:
      return { kind: Kind.streamCancel, owner: body.flags(1), stream: body.u32(), code: body.u16() };
  }
}

function readMember(body: ByteReader): Member {
  return {
    client: body.text(body.u16()),
    user: body.text(body.u32()),
    connectionInfo: body.take(body.u32()),
    channelInfo: body.take(body.u32()),
  };
}

function readMembers(body: ByteReader): Member[] {
  const members: Member[] = [];
  while (body.left > 0) members.push(readMember(body));
  return members;
}

function readPublications(body: ByteReader): HistoryPublication[] {
  const publications: HistoryPublication[] = [];
  while (body.left > 0) publications.push({ offset: body.offset(), data: body.take(body.u32()) });
  return publications;
}
