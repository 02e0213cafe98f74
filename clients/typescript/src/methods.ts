import type { HubCall } from "./hubCall.js";
import { methodId } from "./methodId.js";
import type { Payload } from "./text.js";

/** What a method gives: its last result. */
export type MethodResult = Payload | void | Promise<Payload | void>;

/**
 * Answers one call of the hub.
 * @param args As the hub sent them; the method's to keep.
 * @param signal Aborted when the hub waits no longer, and when the connection is lost.
 */
export type ClientMethod = (args: Uint8Array, signal: AbortSignal) => MethodResult;

/** Answers one call of the hub that may have further arguments, or several results before the one that is returned. */
export type ClientItemsMethod = (call: HubCall) => MethodResult;

/**
 * The methods of this program that the hub may call, by name. A `CallFailedError` that a method throws is the hub's answer, with its
 * code and text; anything else goes to `onFailed`, and the hub gets an internal fault without a text.
 */
export class Methods {
  /** Gets what a method threw. Default: the client's `onError` gets it. */
  onFailed: ((method: string, error: unknown) => void) | undefined;

  private readonly methods = new Map<bigint, { readonly name: string; readonly run: ClientItemsMethod }>();

  /**
   * Adds a method.
   * @throws TypeError The name is empty or taken, or its number is another name's.
   */
  add(name: string, method: ClientMethod): this {
    return this.addWithItems(name, call => method(call.args, call.signal));
  }

  /**
   * Adds a method that reads further arguments, or sends several results.
   * @throws TypeError The name is empty or taken, or its number is another name's.
   */
  addWithItems(name: string, run: ClientItemsMethod): this {
    if (name === "") throw new TypeError("The name of a method is not empty.");
    const id = methodId(name);
    const other = this.methods.get(id);
    if (other !== undefined) {
      const text = `The methods '${name}' and '${other.name}' have the same number.`;
      throw new TypeError(other.name === name ? `The method '${name}' is there already.` : text);
    }

    this.methods.set(id, { name, run });
    return this;
  }

  /** @internal */
  find(id: bigint): { readonly name: string; readonly run: ClientItemsMethod } | undefined {
    return this.methods.get(id);
  }
}
