/**
 * How long to wait before an attempt: `min`, and a random part of up to twice as much with each failure, so that clients that were
 * disconnected together do not come back together.
 * @param failures Attempts that have failed in a row.
 * @param min The shortest wait, in milliseconds.
 * @param max The longest wait, in milliseconds.
 * @param chance Random, from 0 up to 1.
 */
export function backoff(failures: number, min: number, max: number, chance: number): number {
  const span = Math.min(max - min, min * 2 ** Math.min(failures, 30));
  return min + span * chance;
}
