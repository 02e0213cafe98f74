/** The clock of deadlines and backoff: the system's, or a test's. */
export interface Clock {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Runs something once after some milliseconds. Returns what stops it. */
  after(milliseconds: number, run: () => void): () => void;
  /** Runs something when this turn of the event loop is over. */
  soon(run: () => void): void;
  /** A random number from 0 up to 1. */
  random(): number;
}

/** The longest wait that setTimeout keeps to; a longer one would end at once. */
const TIMER_MAX = 0x7fff_ffff;

export const systemClock: Clock = {
  now: () => performance.now(),
  after(milliseconds, run) {
    let left = Math.max(0, milliseconds);
    let timer: ReturnType<typeof setTimeout>;
    arm();
    return () => clearTimeout(timer);

    function arm(): void {
      const wait = Math.min(left, TIMER_MAX);
      left -= wait;
      timer = setTimeout(() => left > 0 ? arm() : run(), wait);
    }
  },
  soon: run => (soon ??= makeSoon())(run),
  random: () => Math.random(),
};

let soon: ((run: () => void) => void) | undefined;

// A timer of 0 waits for up to 4 ms in a browser, and up to a second in a tab that is not seen; a message does not.
function makeSoon(): (run: () => void) => void {
  const immediate = (globalThis as { setImmediate?: (run: () => void) => unknown }).setImmediate;
  if (immediate !== undefined) return run => void immediate(run);
  if (typeof MessageChannel === "undefined") return run => void setTimeout(run, 0);
  const waiting: Array<() => void> = [];
  const channel = new MessageChannel();
  channel.port1.onmessage = () => waiting.shift()?.();
  return run => {
    waiting.push(run);
    channel.port2.postMessage(null);
  };
}
