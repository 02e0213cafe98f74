/** A request that waits for its answer. */
export interface PendingRequest<T> {
  readonly promise: Promise<T>;
  readonly resolve: (answer: T) => void;
  readonly reject: (failure: unknown) => void;
  /** The transfer that it is sent as, if it is too long for a frame. */
  upload?: number | undefined;
}

/** Makes one. Its failure need not be observed here: the maker of the request gets it. */
export function pendingRequest<T>(): PendingRequest<T> {
  let resolve!: (answer: T) => void;
  let reject!: (failure: unknown) => void;
  const promise = new Promise<T>((onAnswer, onFailure) => {
    resolve = onAnswer;
    reject = onFailure;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** Requests by their number, from 1 to 2^32 - 2; 2^32 - 1 is for those whose answer nobody waits for. */
export class RequestTable<T extends { reject(failure: unknown): void }> {
  private readonly pending = new Map<number, T>();
  private last = 0;

  add(request: T): number {
    do this.last = this.last >= 0xffff_fffe ? 1 : this.last + 1;
    while (this.pending.has(this.last));
    this.pending.set(this.last, request);
    return this.last;
  }

  take(id: number): T | undefined {
    const request = this.pending.get(id);
    this.pending.delete(id);
    return request;
  }

  /** The connection is gone: fails them all. */
  failAll(failure: unknown): void {
    const all = [...this.pending.values()];
    this.pending.clear();
    for (const request of all) request.reject(failure);
  }
}
