// The steps of the set-up, in their order, and where it stands.

import type { SessionInfo, SetupStep } from '../generated/protocol'
import { m } from '../paraglide/messages'

/** Second factors hold only at the right time: the clock comes before the account. */
export const STEPS = [
  'code',
  'restore',
  'network',
  'time',
  'administrator',
  'name',
  'institution',
  'mail',
  'updates',
  'test',
  'finish',
] as const

export type Step = (typeof STEPS)[number]

export function stepNames(): string[] {
  return [
    m.box_step_code(),
    m.restore_step(),
    m.box_network(),
    m.box_time(),
    m.box_step_administrator(),
    m.box_step_name(),
    m.box_step_institution(),
    m.box_mail(),
    m.box_updates(),
    m.check_step(),
    m.box_step_finish(),
  ]
}

/** Steps that a person confirms, because the settings may stay as they are. */
function confirmed(step: Step): SetupStep | undefined {
  return step === 'code' || step === 'administrator' || step === 'finish' ? undefined : step
}

/** What decides where it stands. */
export type Standing = Pick<SessionInfo, 'setup_open' | 'in_setup' | 'steps_done' | 'has_administrator'>

/** Where the set-up goes on, also after a power cut. */
export function standing(info: Standing): Step | 'over' {
  if (!info.setup_open) return 'over'
  if (!info.in_setup) return 'code'
  const done = (step: Step) => {
    const asked = confirmed(step)
    return asked === undefined ? info.has_administrator : info.steps_done.includes(asked)
  }
  return STEPS.slice(1, -1).find((step) => !done(step)) ?? 'finish'
}

/** The one that can be gone back to. */
export function before(step: Step): SetupStep | undefined {
  const earlier = STEPS.slice(1, Math.max(STEPS.indexOf(step), 1)).map(confirmed)
  return earlier.findLast((one) => one !== undefined)
}
