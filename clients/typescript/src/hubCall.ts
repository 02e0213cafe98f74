import type { InboundCall, InboundCalls } from "./inboundCalls.js";
import type { Payload } from "./text.js";

/** One call of the hub, as the method that answers it sees it. */
export class HubCall {
  /** The further arguments, in order, as they arrive; none if the hub sends none. To be read once: the hub is held back meanwhile. */
  readonly items: AsyncIterable<Uint8Array>;

  /** Made by the client. */
  constructor(
    private readonly calls: InboundCalls,
    private readonly call: InboundCall,
    /** The name that it was called by. */
    readonly method: string,
    /** As the hub sent them; the method's to keep. */
    readonly args: Uint8Array,
  ) {
    this.items = call.items ?? NOTHING;
  }

  /** Aborted when the hub waits no longer, and when the connection is lost. */
  get signal(): AbortSignal {
    return this.call.over.signal;
  }

  /** The longest item that the hub accepts, in bytes. */
  get itemBytesMax(): number {
    return this.calls.itemBytesMax;
  }

  /**
   * Sends one of several results, before the one that the method returns. Waits while the hub has not taken those before, and while
   * there is no room to send.
   * @param item Must not change before this is done.
   * @param signal Stops waiting; nothing was sent, and the call goes on.
   * @throws BrokerError The call is over.
   * @throws PayloadTooLargeError It is longer than a frame. Nothing was sent.
   */
  send(item: Payload, signal?: AbortSignal): Promise<void> {
    return this.calls.send(this.call, item, signal);
  }
}

const NOTHING: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};
