import { resultFaultOf, TransferError } from "./codes.js";
import { readLongMessage } from "./decode.js";
import type { FrameSender } from "./frameSender.js";
import type { IncomingTransfer } from "./incomingTransfer.js";
import {
  CreditScope, ErrorScope, Kind, Purpose, StreamOwner, type Chunk, type Message, type StreamHeader, type Welcome,
} from "./messages.js";
import { notify, type Settings } from "./options.js";
import type { OutboundCalls } from "./outboundCalls.js";
import { TransferTable, type Arrival, type ReceiveLimits } from "./transferTable.js";

/** The most data of a chunk to a client. */
const CHUNK_BYTES_MAX = 256 * 1024;

/** The transfers that the hub sends: messages too long for a frame, and results of calls. */
export class Downloads {
  private readonly table: TransferTable;
  private stopTimer: (() => void) | undefined;
  private timerAt = Infinity;

  /**
   * @param settings Of the client.
   * @param sender Takes credit and rejections.
   * @param calls What transfers may be results of.
   * @param welcome Its limits of transfers hold in both directions.
   * @param take Takes a message that came as a transfer.
   */
  constructor(
    private readonly settings: Settings,
    private readonly sender: FrameSender,
    private readonly calls: OutboundCalls,
    welcome: Welcome,
    private readonly take: (message: Message) => void,
  ) {
    this.table = new TransferTable(receiveLimitsOf(welcome, settings));
  }

  /** A transfer begins. */
  onStream(header: StreamHeader): void {
    const isAwaited = header.purpose === Purpose.message || (header.purpose === Purpose.result && this.calls.isPending(header.call));
    const arrival = isAwaited ? this.table.open(header, this.settings.clock.now()) : this.table.turnDown(header);
    if (arrival.error !== 0) {
      this.reject(header.stream, 0, arrival);
      if (isAwaited && arrival.error !== TransferError.headerTwice) this.miss(header.purpose, header.call, arrival.error, arrival.text);
    }

    this.goOn();
  }

  /** A chunk has come. When it was the last of a message, that takes effect. */
  onChunk(chunk: Chunk): void {
    const arrival = this.table.add(chunk, this.settings.clock.now());
    const { transfer } = arrival;
    if (arrival.error !== 0) {
      this.reject(chunk.stream, chunk.index, arrival);
      if (arrival.isDropped && transfer !== undefined) this.miss(transfer.purpose, transfer.call, arrival.error, arrival.text);
    } else if (transfer !== undefined) {
      if (arrival.credit > 0) this.grant(chunk.stream, arrival.credit);
      this.report(transfer);
      if (transfer.isComplete) this.complete(transfer, chunk.index);
    }

    this.goOn();
  }

  /** The hub sends no more of a transfer. */
  onCancelled(id: number): void {
    this.table.cancel(id);
    this.goOn();
  }

  /** Nobody waits for a call any more: if its result is on its way, no more of it is wanted. */
  abandon(call: number): void {
    const id = this.table.resultOf(call);
    if (id === undefined) return;
    this.table.cancel(id);
    this.sendCancel(id, TransferError.cancelled);
    this.goOn();
  }

  /** The connection is gone. */
  clear(): void {
    this.stopTimer?.();
    this.table.clear();
  }

  private complete(transfer: IncomingTransfer, lastChunk: number): void {
    if (transfer.purpose === Purpose.result) {
      this.calls.onResult(transfer.call, transfer.join());
      return;
    }

    const message = readLongMessage(transfer.join());
    if (message !== undefined) {
      this.take(message);
      return;
    }

    const text = `NotAMessage: a stream of ${transfer.bytes} bytes that is not one message which may come this way`;
    this.reject(transfer.id, lastChunk, { error: TransferError.notAMessage, text });
  }

  // What is late is over, what waited for memory may have it now, and the timer is set to what comes next.
  private goOn(): void {
    const now = this.settings.clock.now();
    let expired: IncomingTransfer | undefined;
    while ((expired = this.table.takeExpired(now)) !== undefined) {
      this.sendCancel(expired.id, TransferError.expired);
      this.miss(expired.purpose, expired.call, TransferError.expired, "Expired: the stream took too long, and is over");
    }

    let grant: { readonly id: number; readonly credit: number } | undefined;
    while ((grant = this.table.takeGrant(now)) !== undefined) this.grant(grant.id, grant.credit);

    // A timer that is early costs one look; one for every chunk would cost more.
    const next = this.table.nextExpiry ?? Infinity;
    if (next >= this.timerAt) return;
    this.stopTimer?.();
    this.timerAt = next;
    this.stopTimer = this.settings.clock.after(next - now, () => {
      this.timerAt = Infinity;
      this.goOn();
    });
  }

  private report(transfer: IncomingTransfer): void {
    if (transfer.purpose !== Purpose.result) return;
    const progress = this.calls.progressOf(transfer.call);
    if (progress !== undefined) notify(this.settings, () => progress({ bytes: transfer.bytes, total: transfer.announced }));
  }

  // A call fails now. A lost delivery is reported by the hub, because only the hub knows its offset.
  private miss(purpose: number, call: number, error: number, text: string): void {
    if (purpose === Purpose.result) this.calls.onResultLost(call, resultFaultOf(error), text);
  }

  private grant(id: number, count: number): void {
    this.sender.postControl({ kind: Kind.credit, scope: CreditScope.stream, id, count });
  }

  private sendCancel(stream: number, code: number): void {
    this.sender.postControl({ kind: Kind.streamCancel, owner: StreamOwner.yours, stream, code });
  }

  private reject(id: number, chunkIndex: number, { error, text }: Pick<Arrival, "error" | "text">): void {
    this.sender.postControl({ kind: Kind.error, scope: ErrorScope.stream, code: error, id, chunkIndex, messageIndex: 0, text });
  }
}

function receiveLimitsOf(welcome: Welcome, settings: Settings): ReceiveLimits {
  return {
    chunkBytesMax: CHUNK_BYTES_MAX,
    chunksMax: Math.max(welcome.chunksMax, Math.ceil(welcome.streamBytesMax / CHUNK_BYTES_MAX)),
    streamBytesMax: welcome.streamBytesMax,
    streamsMax: welcome.streamsMax,
    windowChunks: settings.transferWindow,
    bytesMax: settings.downloadBytesMax,
  };
}
