import type { ProgressListener } from "./transferProgress.js";

/** The deadline of one call, its progress reports, and what cancels it. */
export interface CallSettings {
  /** Milliseconds that the caller waits, over 0; sent to the hub. Without it, or if it is Infinity, the hub's own limit holds. */
  readonly deadline?: number | undefined;
  /** Gets how many bytes of the arguments have been sent. */
  readonly onUpload?: ProgressListener | undefined;
  /** Gets how many bytes of a result that comes as a transfer have arrived. */
  readonly onDownload?: ProgressListener | undefined;
  /** Stops waiting, and cancels the call at the hub. */
  readonly signal?: AbortSignal | undefined;
}
