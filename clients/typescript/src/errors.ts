import type { CloseInfo } from "./closeInfo.js";
import { errorName, faultName } from "./codes.js";

/**
 * What the client could not do: the root of everything that it throws about the hub, the connection or a limit. Beside it an
 * operation fails with the reason of its AbortSignal, and with RangeError or TypeError where the program uses the client wrongly.
 */
export class BrokerError extends Error {
  override name = "BrokerError";
}

/** The connection ended, or there is none. A request that was on its way may have been carried out, or not. */
export class ConnectionLostError extends BrokerError {
  override name = "ConnectionLostError";

  /** @param closeInfo How the last connection ended. */
  constructor(readonly closeInfo: CloseInfo) {
    super(`The connection ended with ${closeInfo.code}${closeInfo.text === "" ? "." : `: ${closeInfo.text}`}`);
  }
}

/** The queue of what waits to be sent is full. Nothing was sent; try again later. */
export class QueueFullError extends BrokerError {
  override name = "QueueFullError";
}

/** The message is longer than the hub accepts. Nothing was sent. */
export class PayloadTooLargeError extends BrokerError {
  override name = "PayloadTooLargeError";
}

/** The hub rejected a publication, a subscription, a history or a transfer; the connection is not affected. */
export class RequestRejectedError extends BrokerError {
  override name = "RequestRejectedError";

  /**
   * @param code One of `ErrorCode` or `TransferError`, or an application's own from 400 on.
   * @param message In the hub's words.
   */
  constructor(readonly code: number, message: string) {
    super(message);
  }

  /** The name of the code, such as `permissionDenied`. */
  get codeName(): string {
    return errorName(this.code);
  }
}

/**
 * A call failed, and only the call. A method of this program throws it to report its own failure: the hub gets its code and text.
 */
export class CallFailedError extends BrokerError {
  override name = "CallFailedError";

  /**
   * @param method The name of the method.
   * @param code One of `FaultCode`, or an application's own from 1000 on.
   * @param text In the words of the side that ran it.
   */
  constructor(readonly method: string, readonly code: number, readonly text = "") {
    super(`${method}: ${faultName(code)}${text === "" ? "" : `, ${text}`}`);
  }

  /** The name of the code, such as `unknownMethod`. */
  get codeName(): string {
    return faultName(this.code);
  }
}
