import { Delivery, type Gap } from "./delivery.js";
import { Queue } from "./queue.js";

/** About what a delivery costs beside its data, in bytes. */
const OVERHEAD_BYTES = 96;

const RANKS: Readonly<Record<Gap, number>> = { none: 0, possible: 1, certain: 2 };

interface Reader {
  resolve(result: IteratorResult<Delivery, undefined>): void;
  reject(failure: unknown): void;
}

/** Deliveries between the connection and one reader: bounded in bytes, and honest about what it drops. */
export class DeliveryQueue {
  private readonly queue = new Queue<Delivery>();
  private readonly readers = new Queue<Reader>();
  private bytes = 0;
  private droppedFromFront = 0;
  private gapBeforeNext: Gap = "none";
  private missedBeforeNext = 0;
  private isEnded = false;
  private failure: unknown;

  constructor(private readonly bytesMax: number) {}

  /** Takes a delivery; beyond the bound the oldest are dropped. */
  add(channel: string, offset: number, data: Uint8Array): void {
    if (this.isEnded) return;
    const delivery = new Delivery(channel, offset, data, this.gapBeforeNext, this.missedBeforeNext);
    this.gapBeforeNext = "none";
    this.missedBeforeNext = 0;
    const reader = this.readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: delivery });
      return;
    }

    this.queue.push(delivery);
    this.bytes += data.length + OVERHEAD_BYTES;
    while (this.bytes > this.bytesMax && this.queue.length > 1) this.droppedFromFront = this.takeFirst().missed + 1;
  }

  /** Notes that something is, or may be, missing before the next delivery. */
  addGap(gap: Gap, missed: number): void {
    this.gapBeforeNext = greater(gap, this.gapBeforeNext);
    this.missedBeforeNext += missed;
  }

  /** No more come. What is there can still be read. */
  end(failure?: unknown): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.failure = failure;
    let reader: Reader | undefined;
    while ((reader = this.readers.shift()) !== undefined) {
      if (failure === undefined) reader.resolve({ done: true, value: undefined });
      else reader.reject(failure);
    }
  }

  /** The next delivery; done after the last one. */
  next(): Promise<IteratorResult<Delivery, undefined>> {
    if (this.queue.length > 0) return Promise.resolve({ done: false, value: this.takeFirst() });
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (this.isEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.readers.push({ resolve, reject }));
  }

  // What was dropped before the first one is told with it.
  private takeFirst(): Delivery {
    const first = this.queue.shift()!;
    this.bytes -= first.data.length + OVERHEAD_BYTES;
    const dropped = this.droppedFromFront;
    if (dropped === 0) return first;
    this.droppedFromFront = 0;
    return new Delivery(first.channel, first.offset, first.data, "certain", first.missed + dropped);
  }
}

function greater(one: Gap, other: Gap): Gap {
  return RANKS[one] >= RANKS[other] ? one : other;
}
