/** Holes that are kept; with more, the first is given up. */
const HOLES_MAX = 1024;

interface Hole {
  readonly first: number;
  readonly last: number;
}

/**
 * Which offsets of a channel have come: all up to the last one, but for a few holes that long deliveries may still fill. What comes
 * as a transfer stands in no order, so a later offset may come before it; where the connection is lost in between, the place to go on
 * from is in front of the first hole.
 */
export class SeenOffsets {
  /** The last offset that has come, or where the channel was when it began. */
  last = 0;

  private readonly holes: Hole[] = [];      // Ascending; they neither touch nor overlap.

  /** The last offset before which nothing is missing. */
  get whole(): number {
    return this.holes.length === 0 ? this.last : this.holes[0]!.first - 1;
  }

  /** Begins anew behind an offset. */
  reset(last: number): void {
    this.last = last;
    this.holes.length = 0;
  }

  /**
   * Takes offsets that have come, or never will.
   * @param first The first, from 1.
   * @param count How many.
   * @returns How many of them are new.
   */
  add(first: number, count = 1): number {
    if (count === 0) return 0;
    const last = Math.min(first + count - 1, Number.MAX_SAFE_INTEGER);
    let added = this.holes.length === 0 ? 0 : this.fill(first, last);
    if (last <= this.last) return added;
    if (first > this.last + 1) this.holes.push({ first: this.last + 1, last: first - 1 });
    added += last - Math.max(first - 1, this.last);
    this.last = last;
    return added;
  }

  /** Gives up the first hole, if there are more than may be kept. Returns how many offsets it had; 0 if none was given up. */
  giveUpOldest(): number {
    if (this.holes.length <= HOLES_MAX) return 0;
    const oldest = this.holes.shift()!;
    return oldest.last - oldest.first + 1;
  }

  private fill(first: number, last: number): number {
    let filled = 0;
    for (let i = this.holes.length - 1; i >= 0 && this.holes[i]!.last >= first; i--) {
      const hole = this.holes[i]!;
      if (hole.first > last) continue;
      const from = Math.max(first, hole.first);
      const to = Math.min(last, hole.last);
      filled += to - from + 1;
      const left: Hole[] = [];
      if (hole.first < from) left.push({ first: hole.first, last: from - 1 });
      if (to < hole.last) left.push({ first: to + 1, last: hole.last });
      this.holes.splice(i, 1, ...left);
    }

    return filled;
  }
}
