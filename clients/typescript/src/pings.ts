import type { Clock } from "./clock.js";
import type { FrameSender } from "./frameSender.js";
import { Kind } from "./messages.js";
import { pendingRequest, RequestTable, type PendingRequest } from "./pending.js";
import { orAborted, throwIfAborted } from "./signals.js";

interface PendingPing extends PendingRequest<number> {
  readonly began: number;
}

/** Asks the hub whether it is there; the mark of each ping is a number of its own. */
export class Pings {
  private readonly pending = new RequestTable<PendingPing>();

  constructor(private readonly clock: Clock, private readonly sender: FrameSender) {}

  /** Asks, and gives how many milliseconds the answer took. */
  async ping(signal?: AbortSignal): Promise<number> {
    throwIfAborted(signal);
    const request = { ...pendingRequest<number>(), began: this.clock.now() };
    const mark = this.pending.add(request);
    try {
      this.sender.post({ kind: Kind.ping, mark: BigInt(mark) });
      return await orAborted(request.promise, signal);
    } finally {
      this.pending.take(mark);
    }
  }

  /** The hub has answered one. */
  onPong(mark: bigint): void {
    const request = this.pending.take(Number(mark));
    request?.resolve(this.clock.now() - request.began);
  }

  /** The connection is gone. */
  failAll(failure: Error): void {
    this.pending.failAll(failure);
  }
}
