/** Why a call failed. From 1000 on they are an application's own. */
export const FaultCode = {
  /** No such method. */
  unknownMethod: 1,
  /** The arguments are not what the method accepts. */
  badArguments: 2,
  /** The method reports a failure. */
  failed: 3,
  /** The method threw something else. */
  internal: 4,
  /** The caller has cancelled. */
  cancelled: 5,
  /** The caller's deadline has passed. */
  deadline: 6,
  /** Too many pending calls, or bytes: try again later. */
  overloaded: 7,
  /** The connection ended first: it may have run, or not. Never sent. */
  closed: 8,
  /** The number is of a pending call, or of the other side. */
  badId: 9,
  /** The result passes a limit of the caller. */
  resultTooBig: 10,
  /** The caller may not. */
  permissionDenied: 11,
} as const;

/** Why a request was rejected. From 400 to 1999 they are an application's own. */
export const ErrorCode = {
  /** The hub failed: try again later. */
  internal: 100,
  unauthorized: 101,
  unknownChannel: 102,
  permissionDenied: 103,
  alreadySubscribed: 105,
  limitExceeded: 106,
  badRequest: 107,
  notAvailable: 108,
  tokenExpired: 109,
  /** Try again later. */
  tooManyRequests: 111,
  unrecoverablePosition: 112,
} as const;

/** Why a chunk or a transfer was rejected. */
export const TransferError = {
  zeroTotalChunks: 201,
  totalChunksTooLarge: 202,
  indexOutOfRange: 203,
  expired: 204,
  tooManyTransfers: 205,
  finished: 206,
  totalChunksMismatch: 207,
  duplicateChunk: 208,
  cancelled: 209,
  chunkTooBig: 211,
  transferTooBig: 212,
  connectionFull: 213,
  processFull: 214,
  moreThanAnnounced: 215,
  lessThanAnnounced: 216,
  beyondWindow: 217,
  noCredit: 218,
  headerTwice: 219,
  unknownReference: 220,
  notAMessage: 221,
} as const;

/** What is wrong with a frame: the code of an error of scope 2. */
export const FrameFault = {
  none: 0,
  emptyPayload: 1,
  truncated: 2,
  unknownKind: 3,
  malformed: 4,
  notUtf8: 5,
  payloadTooBig: 6,
  tooManyMessages: 7,
  notBatched: 8,
  wrongSide: 9,
  outOfTurn: 10,
  textFrame: 11,
  unknownCompression: 12,
  badCompression: 13,
  expandsTooFar: 14,
  unknownVersion: 15,
} as const;

const FAULTS: ReadonlyArray<readonly [close: number, reason: string]> = [
  [1000, ""],
  [1007, "The payload is empty."],
  [1007, "The payload ends inside a message."],
  [1007, "A message is of no known kind."],
  [1007, "A message does not have the fields of its kind."],
  [1007, "A name or text is not UTF-8."],
  [1009, "The payload passes the limit."],
  [1008, "The payload has too many messages."],
  [1008, "v2.broker has one message a frame."],
  [1008, "A message of this kind goes the other way."],
  [1008, "Hello comes first, and once."],
  [1003, "Frames are binary."],
  [1007, "The compression is not known."],
  [1007, "The payload can not be expanded."],
  [1009, "The payload expands past the limit."],
  [1008, "The version is not known."],
];

/** The code of the Close frame that answers a frame fault. */
export function closeCodeOf(fault: number): number {
  return FAULTS[fault]?.[0] ?? 1007;
}

/** A frame fault in words. */
export function reasonOf(fault: number): string {
  return FAULTS[fault]?.[1] ?? `error ${fault}`;
}

/** The fault of a call whose result was a transfer that was rejected: PROTOCOL.md, "Ending early". */
export function resultFaultOf(error: number): number {
  const isTemporary = error === TransferError.expired || error === TransferError.tooManyTransfers || error === TransferError.processFull;
  return isTemporary ? FaultCode.overloaded : FaultCode.resultTooBig;
}

/** The name of a fault, such as `unknownMethod`; of an application's own, its number. */
export function faultName(code: number): string {
  return nameIn(FaultCode, code);
}

/** The name of the code of a rejected request or transfer, such as `permissionDenied`; of an application's own, its number. */
export function errorName(code: number): string {
  return code >= 200 && code < 300 ? nameIn(TransferError, code) : nameIn(ErrorCode, code);
}

function nameIn(codes: Readonly<Record<string, number>>, code: number): string {
  for (const [name, value] of Object.entries(codes)) if (value === code) return name;
  return String(code);
}
