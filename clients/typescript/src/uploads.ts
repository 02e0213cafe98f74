import { errorName } from "./codes.js";
import { encodeHead } from "./encode.js";
import { EMPTY } from "./bytes.js";
import { PayloadTooLargeError, QueueFullError, RequestRejectedError } from "./errors.js";
import type { FrameSender } from "./frameSender.js";
import type { Call, Publish, Result } from "./messages.js";
import { notify, type Settings } from "./options.js";
import type { ProgressListener } from "./transferProgress.js";

/** More than the fields before the data can have: a publication's, with the longest name. */
const LONGEST_HEAD_BYTES = 5 + 6 + 0xffff;

/** Messages with data of any length: in a frame where they fit, and as transfers where they do not. */
export class Uploads {
  private readonly onFailed = new Map<number, (failure: Error) => void>();    // Who waits for what each transfer is part of.
  private bytes = 0;

  constructor(private readonly settings: Settings, private readonly sender: FrameSender) {}

  /**
   * Sends a message whose last field is data.
   * @param message Its data must not change until it is sent.
   * @param progress Gets how many bytes of the data have been sent.
   * @param failed Called when the hub rejects the transfer; kept until `cancel` or `forget`.
   * @returns The number of the transfer, if it is too long for a frame.
   * @throws BrokerError Nothing is sent: it is too long for the hub, or too much waits.
   */
  post(message: Publish | Call | Result, progress: ProgressListener | undefined, failed: (failure: Error) => void): number | undefined {
    this.sender.throwIfEnded();
    const { data } = message;
    const threshold = this.sender.limits.thresholdBytes;
    if (data.length + LONGEST_HEAD_BYTES > threshold) {
      const head = encodeHead({ ...message, data: EMPTY }, data.length);
      if (head.length + data.length > threshold) return this.begin(head, data, progress, failed);
    }

    this.sender.post(message);
    if (progress !== undefined) notify(this.settings, () => progress({ bytes: data.length, total: data.length }));
    return undefined;
  }

  /**
   * The request has its answer, or was given up: sends no more of the transfer.
   * @returns Whether there was something left to send.
   */
  cancel(transfer: number | undefined): boolean {
    if (transfer === undefined) return false;
    this.onFailed.delete(transfer);
    if (!this.sender.chunks.cancel(transfer)) return false;
    this.sender.schedule();
    return true;
  }

  /** Nobody waits to hear how a transfer ends, which goes on. */
  forget(transfer: number): void {
    this.onFailed.delete(transfer);
  }

  /** The hub accepts more chunks. */
  onCredit(transfer: number, chunks: number): void {
    this.sender.chunks.grant(transfer, chunks);
    this.sender.schedule();
  }

  /** The hub rejects a transfer: its request fails with the reason. */
  onRejected(transfer: number, code: number): void {
    this.sender.chunks.onRejected(transfer);
    this.sender.schedule();     // The next one may have its place.
    const failed = this.onFailed.get(transfer);
    this.onFailed.delete(transfer);
    failed?.(new RequestRejectedError(code, `The hub stopped the upload: ${errorName(code)}.`));
  }

  private begin(head: Uint8Array, data: Uint8Array, progress: ProgressListener | undefined, failed: (failure: Error) => void): number {
    const size = head.length + data.length;
    if (!this.sender.chunks.allows(size)) {
      throw new PayloadTooLargeError(`${size} bytes are more than the hub takes: ${this.sender.limits.streamBytesMax}.`);
    }

    if (this.bytes > 0 && this.bytes + size > this.settings.uploadBytesMax) {
      throw new QueueFullError(`Large messages of ${this.bytes} bytes wait already.`);
    }

    this.bytes += size;
    const transfer = this.sender.chunks.add({
      head,
      data,
      onProgress: bytes => {
        if (progress !== undefined) notify(this.settings, () => progress({ bytes, total: data.length }));
      },
      onReleased: bytes => this.bytes -= bytes,
    });
    this.onFailed.set(transfer, failed);
    this.sender.schedule();
    return transfer;
  }
}
