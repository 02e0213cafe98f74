import { TransferError } from "./codes.js";
import { IncomingTransfer } from "./incomingTransfer.js";
import { Purpose, type Chunk, type StreamHeader } from "./messages.js";

/** Bounds of the transfers that the hub sends. */
export interface ReceiveLimits {
  readonly chunkBytesMax: number;
  readonly chunksMax: number;
  readonly streamBytesMax: number;
  readonly streamsMax: number;
  readonly windowChunks: number;
  /** Memory that the incomplete ones may hold together. */
  readonly bytesMax: number;
}

/** What came of a chunk or a header. */
export interface Arrival {
  /** The rule that it breaks, or 0. */
  readonly error: number;
  /** That, with the received and the allowed numbers. */
  readonly text: string;
  /** The transfer; undefined where it is not affected. */
  readonly transfer: IncomingTransfer | undefined;
  /** Whether the transfer is over because of the error. */
  readonly isDropped: boolean;
  /** Chunks that the hub may send beyond those that it could. */
  readonly credit: number;
}

/** How long a transfer may go without a chunk, in milliseconds. */
export const IDLE_LIMIT = 60_000;

/** How long a transfer may take as a whole, in milliseconds. */
export const LIFE_LIMIT = 600_000;

/** Numbers of ended transfers that are remembered, so that their late chunks open no other. */
const HISTORY_MAX = 1024;

/**
 * The incomplete transfers that the hub sends. What is held is bounded by bytes that have come; nothing is allocated from what a
 * header or a chunk only says. Credit is given only where the rest of the transfer has room, and else withheld until it has: a hub
 * that obeys its credit is not rejected for want of memory. Every `now` is on one clock that never goes back.
 */
export class TransferTable {
  private readonly transfers = new Map<number, IncomingTransfer>();
  private readonly ended = new Map<number, number>();
  private heldBytes = 0;
  private reservedBytes = 0;

  constructor(private readonly limits: ReceiveLimits) {}

  /** When `takeExpired` has something to give, if no chunk comes; undefined without transfers. */
  get nextExpiry(): number | undefined {
    let next: number | undefined;
    for (const transfer of this.transfers.values()) {
      const expiry = expiryOf(transfer);
      if (expiry !== undefined && (next === undefined || expiry < next)) next = expiry;
    }

    return next;
  }

  /** Opens a transfer whose header has come. A rejected one's number is spent, so that its chunks open no other. */
  open(header: StreamHeader, now: number): Arrival {
    let arrival = this.secondOf(header) ?? this.admit(header.stream);
    if (arrival === undefined && header.bytes > this.limits.streamBytesMax) arrival = tooBig(header.bytes, this.limits.streamBytesMax);
    if (arrival !== undefined) {
      if (arrival.error !== TransferError.headerTwice) this.spend(header.stream, TransferError.cancelled);
      return arrival;
    }

    const transfer = new IncomingTransfer(header.stream, header.purpose, header.call, header.bytes, this.limits.windowChunks, now);
    this.transfers.set(header.stream, transfer);
    return accepted(transfer, 0);
  }

  /** Rejects a transfer whose header has come, because nobody waits for what it belongs to. Its number is spent. */
  turnDown(header: StreamHeader): Arrival {
    const second = this.secondOf(header);
    if (second !== undefined) return second;
    this.spend(header.stream, TransferError.cancelled);
    return rejected(TransferError.unknownReference, `UnknownReference: no stream is awaited for call ${header.call}`);
  }

  // A second header changes nothing, whatever it is for.
  private secondOf(header: StreamHeader): Arrival | undefined {
    const begun = this.transfers.get(header.stream);
    return begun && rejected(TransferError.headerTwice, `HeaderTwice: the stream has begun, with ${begun.received} chunks received`);
  }

  /** Takes a chunk; checks it in the order of PROTOCOL.md. One of an unknown transfer opens it, as one whole message. */
  add(chunk: Chunk, now: number): Arrival {
    const { limits } = this;
    if (chunk.total === 0) return rejected(TransferError.zeroTotalChunks, "ZeroTotalChunks: a stream of 0 chunks, and one has at least 1");
    if (chunk.total > limits.chunksMax) {
      return rejected(
        TransferError.totalChunksTooLarge,
        `TotalChunksTooLarge: a stream of ${chunk.total} chunks, and one has at most ${limits.chunksMax}`);
    }

    if (chunk.index >= chunk.total) {
      return rejected(TransferError.indexOutOfRange, `IndexOutOfRange: index ${chunk.index} in a stream of ${chunk.total} chunks`);
    }

    let transfer = this.transfers.get(chunk.stream);
    if (transfer === undefined) {
      const refusal = this.admit(chunk.stream);
      if (refusal !== undefined) {
        this.spend(chunk.stream, TransferError.cancelled);
        return refusal;
      }

      transfer = new IncomingTransfer(chunk.stream, Purpose.message, 0, -1, limits.windowChunks, now);
    }

    if (transfer.total !== 0 && transfer.total !== chunk.total) {
      return rejected(
        TransferError.totalChunksMismatch,
        `TotalChunksMismatch: a total of ${chunk.total} chunks in a stream of ${transfer.total}`);
    }

    if (transfer.has(chunk.index)) {
      return rejected(
        TransferError.duplicateChunk,
        `DuplicateChunk: index ${chunk.index} came before, as one of the ${transfer.received} received of ${transfer.total} chunks`);
    }

    const hopeless = this.judge(transfer, chunk) ?? this.hold(transfer, chunk.data.length);
    if (hopeless !== undefined) {
      this.end(transfer, TransferError.cancelled);
      return { ...hopeless, transfer, isDropped: true };
    }

    transfer.keep(chunk);
    transfer.progress = now;
    this.transfers.set(chunk.stream, transfer);
    if (!transfer.isComplete) return accepted(transfer, this.grantAhead(transfer, now));
    this.end(transfer, TransferError.finished);
    return accepted(transfer, 0);
  }

  /** Gives the next credit that was withheld for want of memory, where there is some now. Call it until it gives none. */
  takeGrant(now: number): { readonly id: number; readonly credit: number } | undefined {
    let oldest: IncomingTransfer | undefined;
    for (const each of this.transfers.values()) {
      if (each.withheldSince !== undefined && (oldest === undefined || each.started < oldest.started)) oldest = each;
    }

    if (oldest === undefined || !this.tryReserve(oldest)) return undefined;
    oldest.started += now - oldest.withheldSince!;
    oldest.withheldSince = undefined;
    oldest.progress = now;
    const credit = this.creditOf(oldest);
    oldest.granted += credit;
    return { id: oldest.id, credit };
  }

  /** Ends a transfer before its last chunk, for either side. Its late chunks are rejected. Returns whether there was one. */
  cancel(id: number): boolean {
    const transfer = this.transfers.get(id);
    if (transfer === undefined) {
      this.spend(id, TransferError.cancelled);
      return false;
    }

    this.end(transfer, TransferError.cancelled);
    return true;
  }

  /** The next transfer that has taken too long. Call it until it gives none; no chunk is needed. */
  takeExpired(now: number): IncomingTransfer | undefined {
    for (const transfer of this.transfers.values()) {
      const expiry = expiryOf(transfer);
      if (expiry === undefined || expiry > now) continue;
      this.end(transfer, TransferError.expired);
      return transfer;
    }

    return undefined;
  }

  /** The transfer that is the result of a call, if one has begun. */
  resultOf(call: number): number | undefined {
    for (const transfer of this.transfers.values()) if (transfer.purpose === Purpose.result && transfer.call === call) return transfer.id;
    return undefined;
  }

  clear(): void {
    this.transfers.clear();
    this.heldBytes = 0;
    this.reservedBytes = 0;
  }

  private admit(id: number): Arrival | undefined {
    switch (this.ended.get(id)) {
      case undefined: break;
      case TransferError.expired: return rejected(TransferError.expired, "Expired: the stream took too long, and is over");
      case TransferError.finished: return rejected(TransferError.finished, "Finished: a stream of that number was complete");
      default: return rejected(TransferError.cancelled, "Cancelled: a stream of that number was cancelled, dropped or refused");
    }

    if (this.transfers.size < this.limits.streamsMax) return undefined;
    return rejected(
      TransferError.tooManyTransfers,
      `TooManyStreams: ${this.transfers.size} streams are incomplete, and at most ${this.limits.streamsMax} may be`);
  }

  private judge(transfer: IncomingTransfer, chunk: Chunk): Arrival | undefined {
    const { limits } = this;
    if (chunk.data.length > limits.chunkBytesMax) {
      return rejected(
        TransferError.chunkTooBig,
        `ChunkTooBig: a chunk of ${chunk.data.length} bytes, and one has at most ${limits.chunkBytesMax}`);
    }

    if (transfer.received >= transfer.granted) {
      return rejected(TransferError.noCredit, `NoCredit: received ${transfer.received + 1} chunks, with credit for ${transfer.granted}`);
    }

    const bytes = transfer.bytes + chunk.data.length;
    if (bytes > limits.streamBytesMax) return tooBig(bytes, limits.streamBytesMax);
    if (transfer.announced < 0) return undefined;
    if (bytes > transfer.announced) {
      return rejected(
        TransferError.moreThanAnnounced,
        `MoreThanAnnounced: received ${bytes} bytes, and the header announced ${transfer.announced}`);
    }

    if (transfer.received + 1 === chunk.total && bytes < transfer.announced) {
      return rejected(
        TransferError.lessThanAnnounced,
        `LessThanAnnounced: received ${bytes} bytes in all ${chunk.total} chunks, and the header announced ${transfer.announced}`);
    }

    return undefined;
  }

  // Memory of one more chunk: of what is reserved for its transfer, or else of what is free.
  private hold(transfer: IncomingTransfer, bytes: number): Arrival | undefined {
    const reserved = Math.min(bytes, transfer.reservedBytes);
    const held = this.heldBytes + this.reservedBytes;
    if (bytes - reserved > this.limits.bytesMax - held) {
      return rejected(
        TransferError.connectionFull,
        `ConnectionFull: ${bytes} more bytes with ${held} that streams of the connection hold, at most ${this.limits.bytesMax}`);
    }

    transfer.reservedBytes -= reserved;
    this.reservedBytes -= reserved;
    this.heldBytes += bytes;
    return undefined;
  }

  // Half a window early, so that the hub never waits for a round trip.
  private grantAhead(transfer: IncomingTransfer, now: number): number {
    const credit = this.creditOf(transfer);
    if (credit === 0 || transfer.withheldSince !== undefined) return 0;
    if (!this.tryReserve(transfer)) {
      transfer.withheldSince = now;
      return 0;
    }

    transfer.granted += credit;
    return credit;
  }

  private creditOf(transfer: IncomingTransfer): number {
    const open = transfer.granted - transfer.received;
    const { windowChunks } = this.limits;
    return open > Math.floor(windowChunks / 2) || transfer.granted >= transfer.total ? 0 : Math.max(1, windowChunks - open);
  }

  // The memory of all that is still to come, or none. One that could never have it is not held up: it is rejected where it is too long.
  private tryReserve(transfer: IncomingTransfer): boolean {
    if (transfer.isReserved) return true;
    const { limits } = this;
    const bytes = transfer.missingBytes(limits.chunkBytesMax, limits.streamBytesMax);
    if (bytes + transfer.bytes > limits.bytesMax) {
      transfer.isReserved = true;
      return true;
    }

    // The others keep room for what they may send without credit; one alone may have all.
    const others = limits.windowChunks * limits.chunkBytesMax * (limits.streamsMax - 1);
    const bytesMax = this.reservedBytes === 0 ? limits.bytesMax : limits.bytesMax - others;
    if (bytes > bytesMax - this.heldBytes - this.reservedBytes) return false;
    transfer.isReserved = true;
    transfer.reservedBytes = bytes;
    this.reservedBytes += bytes;
    return true;
  }

  private end(transfer: IncomingTransfer, why: number): void {
    this.transfers.delete(transfer.id);
    this.heldBytes -= transfer.bytes;
    this.reservedBytes -= transfer.reservedBytes;
    transfer.reservedBytes = 0;
    this.spend(transfer.id, why);
  }

  private spend(id: number, why: number): void {
    if (this.ended.has(id)) return;
    this.ended.set(id, why);
    if (this.ended.size > HISTORY_MAX) this.ended.delete(this.ended.keys().next().value!);
  }
}

function accepted(transfer: IncomingTransfer, credit: number): Arrival {
  return { error: 0, text: "", transfer, isDropped: false, credit };
}

function rejected(error: number, text: string): Arrival {
  return { error, text, transfer: undefined, isDropped: false, credit: 0 };
}

function tooBig(bytes: number, most: number): Arrival {
  return rejected(TransferError.transferTooBig, `StreamTooBig: a stream of ${bytes} bytes, and one has at most ${most}`);
}

// None for one that is held up: it is not the hub that takes the time.
function expiryOf(transfer: IncomingTransfer): number | undefined {
  return transfer.isHeldUp ? undefined : Math.min(transfer.progress + IDLE_LIMIT, transfer.started + LIFE_LIMIT);
}
