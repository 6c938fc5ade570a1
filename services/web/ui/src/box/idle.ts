// A session ends when nobody uses its page, and neither sooner nor unannounced (WCAG 2.2.1).

import { SESSION_IDLE_SECONDS } from '../generated/protocol'

/** Whoever reads a page touches it now and then. */
export const PATIENCE = 60_000
/** Somebody who fills in a form makes no call: the page makes one for them. */
const REFRESH = 5 * 60_000
const IDLE = SESSION_IDLE_SECONDS * 1_000
/** Time to say that one is still there; 20 seconds are the least. */
export const WARNING = 2 * 60_000

/**
 * What to do. `unused`: how long nobody has used the page; `since`: the last call that a person made; both in
 * milliseconds.
 */
export function idleStep(unused: number, since: number): 'none' | 'refresh' | 'warn' | 'over' {
  if (unused < PATIENCE) return since >= REFRESH ? 'refresh' : 'none'
  if (since >= IDLE) return 'over'
  return since >= IDLE - WARNING ? 'warn' : 'none'
}
