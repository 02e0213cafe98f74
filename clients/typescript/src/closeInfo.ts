import { closeCodeOf, reasonOf } from "./codes.js";

/** How a connection ended, and what that means for the next one. */
export interface CloseInfo {
  /** The code of the hub's bye or Close frame; 1006 where neither came. */
  readonly code: number;
  /** In words. */
  readonly text: string;
  /** Whether another attempt makes sense. */
  readonly mayReconnect: boolean;
  /** Milliseconds that the hub wants the client to stay away; undefined leaves it to the client. */
  readonly retryAfter?: number;
}

/** For the field of bye: there is no use in coming back. */
const NEVER = 0xffff_ffff;

export function closedWith(code: number, text: string): CloseInfo {
  return { code, text, mayReconnect: invites(code) };
}

export function closedByBye(code: number, retryMilliseconds: number, text: string): CloseInfo {
  const info = { code, text, mayReconnect: retryMilliseconds !== NEVER && invites(code) };
  return retryMilliseconds === 0 || retryMilliseconds === NEVER ? info : { ...info, retryAfter: retryMilliseconds };
}

export function lostWith(text: string): CloseInfo {
  return { code: 1006, text, mayReconnect: true };
}

export function brokenBy(fault: number): CloseInfo {
  return { code: closeCodeOf(fault), text: `The hub broke the protocol: ${reasonOf(fault)}`, mayReconnect: true };
}

// What the client did wrong it would do again; and the upper halves of the ranges for hubs mean "do not come back".
function invites(code: number): boolean {
  const isClientsFault = code === 1002 || code === 1003 || (code >= 1007 && code <= 1010);
  return !isClientsFault && !(code >= 3500 && code < 4000) && !(code >= 4500 && code < 5000);
}
