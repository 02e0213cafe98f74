/** A queue whose ends cost the same however long it is. */
export class Queue<T> {
  private items: Array<T | undefined> = [];
  private head = 0;       // What is before it has been taken.

  get length(): number {
    return this.items.length - this.head;
  }

  /** The item that was added last. */
  get last(): T | undefined {
    return this.length === 0 ? undefined : this.items[this.items.length - 1];
  }

  push(item: T): void {
    this.items.push(item);
  }

  /** Takes the item that was added first. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const first = this.items[this.head];
    this.items[this.head++] = undefined;
    if (this.head === this.items.length) this.clear();
    else if (this.head >= 64 && this.head * 2 >= this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }

    return first;
  }

  /** Takes the item that was added last. */
  pop(): T | undefined {
    return this.length === 0 ? undefined : this.items.pop();
  }

  clear(): void {
    this.items = [];
    this.head = 0;
  }
}
