/** Throws the reason of a signal that is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason;
}

/** Calls something once when a signal is aborted; at once if it is. Returns what stops that. */
export function onAbort(signal: AbortSignal | undefined, run: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    run(signal.reason);
    return () => {};
  }

  const listener = () => run(signal.reason);
  signal.addEventListener("abort", listener, { once: true });
  return () => signal.removeEventListener("abort", listener);
}

/** A promise that ends as another does, or with the reason of a signal. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const stop = onAbort(signal, reject);
    promise.then(resolve, reject).finally(stop);
  });
}

/** Those who wait for something that others make true: each is woken in its order. */
export class Waiters {
  private waiting: Array<() => void> = [];

  get count(): number {
    return this.waiting.length;
  }

  /** Waits until it is woken. */
  wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = () => {
        stop();
        resolve();
      };
      const stop = onAbort(signal, reason => {
        this.waiting = this.waiting.filter(each => each !== wake);
        reject(reason);
      });
      if (signal?.aborted !== true) this.waiting.push(wake);
    });
  }

  wakeFirst(): void {
    this.waiting.shift()?.();
  }

  wakeAll(): void {
    const woken = this.waiting;
    this.waiting = [];
    for (const wake of woken) wake();
  }
}
