/** How far a large payload has come. */
export interface TransferProgress {
  /** Bytes so far. */
  readonly bytes: number;
  /** Bytes of the whole, or -1 while unknown. */
  readonly total: number;
}

/** Gets progress. Called on the connection's own path: it must not wait. */
export type ProgressListener = (progress: TransferProgress) => void;
