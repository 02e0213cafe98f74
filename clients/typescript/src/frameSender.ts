import { ByteWriter } from "./bytes.js";
import { ChunkSender, sendLimitsOf, type SendLimits } from "./chunkSender.js";
import { PayloadTooLargeError, QueueFullError } from "./errors.js";
import { writeMessage } from "./encode.js";
import type { Message, Welcome } from "./messages.js";
import type { Settings, WebSocketLike } from "./options.js";
import { Queue } from "./queue.js";
import { Waiters } from "./signals.js";

/** The advised maximum of a frame with several messages. */
const FRAME_BYTES = 256 * 1024;

/** Frames wait here, and not in the socket, while it has so many bytes. */
const SOCKET_BYTES_MAX = 1024 * 1024;

/** How often a full socket is asked whether it has room again, in milliseconds: it does not say so by itself. */
const SOCKET_POLL = 5;

/** Small messages that may wait. */
const MESSAGES_MAX = 65_536;

/** By how much messages that the hub waits for may pass the bounds of the queue. */
const CONTROL_BYTES_MAX = 1024 * 1024, CONTROL_MESSAGES_MAX = 16_384;

interface Frame {
  readonly bytes: ByteWriter;
  messages: number;
}

/**
 * What one connection sends: small messages in their order, and between them the chunks of large ones. What is posted in one turn
 * of the event loop leaves together at its end, in one frame where `v3.broker` was agreed on; nothing is delayed for longer.
 */
export class FrameSender {
  readonly limits: SendLimits;
  readonly chunks: ChunkSender;

  private readonly frames = new Queue<Frame>();      // The last one is open for more.
  private readonly room = new Waiters();
  private readonly messagesMax: number;
  private readonly frameBytes: number;
  private queuedBytes = 0;
  private queuedMessages = 0;
  private capacity = 256;
  private isChunksTurn = false;
  private isScheduled = false;
  private ended: Error | undefined;
  private stopPolling: (() => void) | undefined;

  /**
   * @param settings Of the client.
   * @param socket Where frames go.
   * @param welcome What the hub accepts.
   * @param isBatched Whether a frame carries several messages.
   * @param onStuck Called when the hub has long taken nothing, and even what it waits for finds no place.
   */
  constructor(
    private readonly settings: Settings,
    private readonly socket: WebSocketLike,
    welcome: Welcome,
    isBatched: boolean,
    private readonly onStuck: (text: string) => void,
  ) {
    this.limits = sendLimitsOf(welcome);
    this.chunks = new ChunkSender(this.limits);
    this.messagesMax = isBatched ? welcome.messagesPerFrameMax : 1;
    this.frameBytes = Math.min(FRAME_BYTES, welcome.frameBytesMax);
  }

  /**
   * Takes a message that fits a frame.
   * @throws QueueFullError As much waits as may.
   * @throws PayloadTooLargeError It is longer than a frame.
   */
  post(message: Message): void {
    this.throwIfEnded();
    if (!this.tryAppend(message, 0, 0)) throw new QueueFullError(`Messages of ${this.queuedBytes} bytes wait already.`);
  }

  /**
   * Takes a message that fits a frame, once there is room for it.
   * @param message The message.
   * @param isWanted Asked whenever there may be room.
   * @param signal Stops waiting; then nothing was sent.
   * @returns False when it is wanted no longer, or the connection has ended; then nothing was sent.
   */
  async postWhenRoom(message: Message, isWanted: () => boolean, signal?: AbortSignal): Promise<boolean> {
    while (true) {
      if (this.ended !== undefined || !isWanted()) return false;
      if (this.tryAppend(message, 0, 0)) return true;
      if (this.queuedMessages === 0) {
        throw new PayloadTooLargeError(`A message is longer than all that may wait: ${this.settings.sendBytesMax} bytes.`);
      }

      await this.room.wait(signal);
    }
  }

  /**
   * Takes a message that the hub waits for, such as credit or a fault: it passes the bound of what is queued. A hub that has taken
   * nothing for so long that even this fails loses the connection.
   */
  postControl(message: Message): void {
    if (this.ended !== undefined || this.tryAppend(message, CONTROL_BYTES_MAX, CONTROL_MESSAGES_MAX)) return;
    this.onStuck(`The hub takes nothing: messages of ${this.queuedBytes} bytes wait.`);
  }

  /** Something may be sent now that could not before: it is, at the end of this turn. */
  schedule(): void {
    if (this.isScheduled || this.ended !== undefined) return;
    this.isScheduled = true;
    this.settings.clock.soon(() => this.flush());
  }

  /** Sends what waits and can be sent. */
  flush(): void {
    this.isScheduled = false;
    if (this.ended !== undefined) return;
    this.stopPolling?.();
    this.stopPolling = undefined;
    while (true) {
      if (this.socket.bufferedAmount > SOCKET_BYTES_MAX) {
        this.stopPolling = this.settings.clock.after(SOCKET_POLL, () => this.flush());
        break;
      }

      const frame = this.nextFrame();
      if (frame === undefined) break;
      this.socket.send(frame);
    }

    if (this.room.count > 0 && this.queuedBytes < this.settings.sendBytesMax / 2) this.room.wakeAll();
  }

  /** Throws the reason for which the connection has ended, if it has. */
  throwIfEnded(): void {
    if (this.ended !== undefined) throw this.ended;
  }

  /** The connection is gone, for this reason. */
  clear(failure: Error): void {
    this.ended = failure;
    this.stopPolling?.();
    this.frames.clear();
    this.queuedBytes = 0;
    this.queuedMessages = 0;
    this.chunks.clear();
    this.room.wakeAll();
  }

  // Small messages and chunks in turn, so that neither holds up the other.
  private nextFrame(): Uint8Array | undefined {
    if (this.isChunksTurn || this.frames.length === 0) {
      this.isChunksTurn = false;
      const chunk = this.chunks.next();
      if (chunk !== undefined) return chunk;
    }

    const frame = this.frames.shift();
    if (frame === undefined) return undefined;
    this.isChunksTurn = true;
    this.queuedBytes -= frame.bytes.length;
    this.queuedMessages -= frame.messages;
    this.capacity = Math.min(Math.max(frame.bytes.length, 256), this.frameBytes);
    return frame.bytes.written;
  }

  private tryAppend(message: Message, moreBytes: number, moreMessages: number): boolean {
    if (this.queuedMessages >= MESSAGES_MAX + moreMessages) return false;
    let frame = this.frames.last;
    if (frame === undefined || frame.messages >= this.messagesMax) frame = this.openFrame();

    const start = frame.bytes.length;
    let isTaken = false;
    try {
      writeMessage(frame.bytes, message);
      const bytes = frame.bytes.length - start;
      if (bytes > this.limits.thresholdBytes) {
        throw new PayloadTooLargeError(`A message of ${bytes} bytes is more than may be sent in a frame: ${this.limits.thresholdBytes}.`);
      }

      if (this.queuedBytes + bytes > this.settings.sendBytesMax + moreBytes) return false;
      isTaken = true;
      this.queuedBytes += bytes;
      this.queuedMessages++;
      if (start > 0 && frame.bytes.length > this.frameBytes) frame = this.moveToNext(frame, start);
      frame.messages++;
      this.schedule();
      return true;
    } finally {
      if (!isTaken) {
        frame.bytes.truncate(start);
        if (frame.messages === 0) this.frames.pop();
      }
    }
  }

  private openFrame(): Frame {
    const frame = { bytes: new ByteWriter(this.capacity), messages: 0 };
    this.frames.push(frame);
    return frame;
  }

  // The message that passes the advised maximum begins a frame of its own.
  private moveToNext(full: Frame, start: number): Frame {
    const next = this.openFrame();
    next.bytes.bytes(full.bytes.written.subarray(start));
    full.bytes.truncate(start);
    return next;
  }
}
