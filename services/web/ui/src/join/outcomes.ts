// Why somebody is not in the meeting: cannot come in, or is out again. Each has a page of its own.

import type { IconName } from '../components/icons'
import type { LeaveReason, RefusalReason } from '../generated/protocol'
import { ApiFailure, type ApiFailureCode } from '../meeting/api'
import { m } from '../paraglide/messages'

export type OutcomeReason = RefusalReason | LeaveReason | ApiFailureCode | 'page_outdated'

export interface Outcome {
  reason: OutcomeReason
  /** Seconds after which trying again makes sense, if it does. */
  retryAfter?: number
  /** The user was in the meeting. */
  left: boolean
}

/** What the user can do about it, the likeliest first. */
export type Remedy = 'rejoin' | 'retry' | 'reload' | 'home'

export interface OutcomeText {
  icon: IconName
  title: () => string
  text: () => string
  remedies: Remedy[]
}

export function outcomeOfFailure(error: unknown): Outcome {
  if (!(error instanceof ApiFailure)) return { reason: 'unexpected', left: false }
  return { reason: error.code, retryAfter: error.retryAfter, left: false }
}

const ended: OutcomeText = { icon: 'door', title: m.gone_ended, text: m.gone_ended_text, remedies: ['home'] }
const removed: OutcomeText = {
  icon: 'person-remove',
  title: m.gone_removed,
  text: m.gone_removed_text,
  remedies: ['home'],
}
const unavailable: OutcomeText = {
  icon: 'warning',
  title: m.gone_unavailable,
  text: m.gone_unavailable_text,
  remedies: ['retry', 'home'],
}
const outdated: OutcomeText = {
  icon: 'refresh',
  title: m.gone_outdated,
  text: m.gone_outdated_text,
  remedies: ['reload'],
}
const fault: OutcomeText = {
  icon: 'warning',
  title: m.gone_fault,
  text: m.gone_fault_text,
  remedies: ['rejoin', 'home'],
}
const unexpected: OutcomeText = {
  icon: 'warning',
  title: m.gone_fault,
  text: m.gone_unexpected_text,
  remedies: ['retry', 'home'],
}

export const outcomeTexts: Record<OutcomeReason, OutcomeText> = {
  unknown_link: { icon: 'link', title: m.gone_unknown_link, text: m.gone_unknown_link_text, remedies: ['home'] },
  ended,
  removed,
  room_full: { icon: 'people', title: m.gone_full, text: m.gone_full_text, remedies: ['retry', 'home'] },
  too_many_attempts: { icon: 'lock', title: m.gone_too_many, text: m.gone_too_many_text, remedies: ['retry', 'home'] },
  client_too_old: outdated,
  client_too_new: outdated,
  page_outdated: outdated,
  invalid_name: { icon: 'person', title: m.gone_name, text: m.gone_name_text, remedies: ['retry'] },
  invalid_hello: fault,
  protocol_error: fault,
  malformed: { icon: 'link', title: m.gone_unknown_link, text: m.gone_unknown_link_text, remedies: ['home'] },
  host_key_needed: unexpected,
  unexpected,
  shutting_down: unavailable,
  unavailable,
  offline: { icon: 'offline', title: m.gone_offline, text: m.gone_offline_text, remedies: ['retry', 'home'] },
  left: { icon: 'door', title: m.gone_left, text: m.gone_left_text, remedies: ['rejoin', 'home'] },
  timed_out: { icon: 'offline', title: m.gone_timed_out, text: m.gone_timed_out_text, remedies: ['rejoin', 'home'] },
  replaced: { icon: 'copy', title: m.gone_replaced, text: m.gone_replaced_text, remedies: ['rejoin', 'home'] },
}
