import { ByteWriter } from "./bytes.js";
import { HEAD_BYTES, Kind, type Member, type Message } from "./messages.js";

/**
 * Writes a message behind what has been written.
 * @throws RangeError A name is longer than its length field can say. Then what was written is not a message: truncate it.
 */
export function writeMessage(target: ByteWriter, message: Message): void {
  const start = target.length;
  target.u8(message.kind);
  target.u32(0);
  writeBody(target, message);
  target.setU32(start + 1, target.length - start - HEAD_BYTES);
}

/** The bytes of one message. */
export function encodeMessage(message: Message): Uint8Array {
  const target = new ByteWriter();
  writeMessage(target, message);
  return target.written;
}

/** The bytes of a message whose data is sent separately: all of it but its data, which its length includes. */
export function encodeHead(message: Message, dataBytes: number): Uint8Array {
  const target = new ByteWriter();
  writeMessage(target, message);
  target.setU32(1, target.length - HEAD_BYTES + dataBytes);
  return target.written;
}

function writeBody(target: ByteWriter, message: Message): void {
  switch (message.kind) {
    case Kind.hello: {
      target.u16(message.version);
      target.u8(message.compressions);
      target.u32(message.frameBytesMax);
      target.u32(message.windowChunks);
      target.u32(message.windowItems);
      const at = target.length;
      target.u8(0);
      target.text(message.name);
      const nameBytes = target.length - at - 1;
      if (nameBytes > 0xff) throw new RangeError(`The name of the program has at most 255 bytes of UTF-8, and this one has ${nameBytes}.`);
      target.written[at] = nameBytes;
      target.text(message.token);
      break;
    }

    case Kind.welcome:
      target.u16(message.version);
      target.u8(message.compressions);
      target.u32(message.frameBytesMax);
      target.u32(message.messagesPerFrameMax);
      target.u32(message.chunkBytesMax);
      target.u32(message.chunksMax);
      target.wide(message.streamBytesMax);
      target.u32(message.streamsMax);
      target.u32(message.callsMax);
      target.u32(message.windowChunks);
      target.u32(message.windowItems);
      target.u32(message.pingMilliseconds);
      target.text(message.client);
      break;

    case Kind.ping:
    case Kind.pong:
      target.u64(message.mark);
      break;

    case Kind.error:
      target.u8(message.scope);
      target.u16(message.code);
      target.u32(message.id);
      target.u32(message.chunkIndex);
      target.u32(message.messageIndex);
      target.text(message.text);
      break;

    case Kind.bye:
      target.u16(message.code);
      target.u32(message.retryMilliseconds);
      target.text(message.text);
      break;

    case Kind.subscribe:
      target.u32(message.request);
      target.u8(message.options);
      target.u64(message.epoch);
      target.wide(message.offset);
      target.shortText(message.channel);
      target.text(message.token);
      break;

    case Kind.subscribed:
      target.u32(message.request);
      target.u32(message.channel);
      target.u8(message.state);
      target.u64(message.epoch);
      target.wide(message.offset);
      break;

    case Kind.unsubscribe:
      target.u32(message.request);
      target.u32(message.channel);
      break;

    case Kind.unsubscribed:
      target.u32(message.request);
      target.u32(message.channel);
      target.u16(message.code);
      target.text(message.text);
      break;

    case Kind.publish:
      target.u32(message.request);
      target.shortText(message.channel);
      target.bytes(message.data);
      break;

    case Kind.published:
      target.u32(message.request);
      target.u32(message.receivers);
      target.wide(message.offset);
      break;

    case Kind.delivery:
      target.u32(message.channel);
      target.wide(message.offset);
      target.bytes(message.data);
      break;

    case Kind.missed:
      target.u32(message.channel);
      target.wide(message.offset);
      target.wide(message.count);
      break;

    case Kind.history:
      target.u32(message.request);
      target.u8(message.options);
      target.u64(message.epoch);
      target.wide(message.offset);
      target.u32(message.limit);
      target.text(message.channel);
      break;

    case Kind.historyReply:
      target.u32(message.request);
      target.u64(message.epoch);
      target.wide(message.offset);
      for (const publication of message.publications) {
        target.wide(publication.offset);
        target.u32(publication.data.length);
        target.bytes(publication.data);
      }

      break;

    case Kind.presence:
      target.u32(message.request);
      target.u8(message.options);
      target.text(message.channel);
      break;

    case Kind.presenceReply:
      target.u32(message.request);
      target.u32(message.clients);
      target.u32(message.users);
      for (const member of message.members) putMember(target, member);
      break;

    case Kind.joined:
    case Kind.left:
      target.u32(message.channel);
      putMember(target, message.member);
      break;

    case Kind.call:
      target.u32(message.id);
      target.u64(message.method);
      target.u32(message.deadlineMilliseconds);
      target.u8(message.options);
      target.bytes(message.data);
      break;

    case Kind.result:
    case Kind.item:
      target.u32(message.id);
      target.bytes(message.data);
      break;

    case Kind.fault:
      target.u32(message.id);
      target.u16(message.code);
      target.text(message.text);
      break;

    case Kind.cancel:
    case Kind.itemsEnd:
      target.u32(message.id);
      break;

    case Kind.stream:
      target.u32(message.stream);
      target.u8(message.purpose);
      target.u32(message.call);
      target.wide(message.bytes);
      break;

    case Kind.chunk:
      target.u32(message.stream);
      target.u32(message.index);
      target.u32(message.total);
      target.bytes(message.data);
      break;

    case Kind.credit:
      target.u8(message.scope);
      target.u32(message.id);
      target.u32(message.count);
      break;

    case Kind.streamCancel:
      target.u8(message.owner);
      target.u32(message.stream);
      target.u16(message.code);
      break;
  }
}

function putMember(target: ByteWriter, member: Member): void {
  target.shortText(member.client);
  const at = target.length;
  target.u32(0);
  target.text(member.user);
  target.setU32(at, target.length - at - 4);
  for (const info of [member.connectionInfo, member.channelInfo]) {
    target.u32(info.length);
    target.bytes(info);
  }
}
