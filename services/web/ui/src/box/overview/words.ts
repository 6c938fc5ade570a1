// What the box says of itself, in words.

import type { Overview, Problem, UpdateState } from '../../generated/protocol'
import { m } from '../../paraglide/messages'
import { acmeReasonText } from '../acme'
import { areaText } from '../areas'

export function problemText(problem: Problem): string {
  switch (problem.kind) {
    case 'media_server_silent':
      return m.problem_media_server()
    case 'pages_silent':
      return m.problem_pages()
    case 'unit_failed':
      return m.problem_unit({ unit: problem.unit })
    case 'not_applied':
      return m.problem_not_applied({ area: areaText(problem.area), detail: problem.detail })
    case 'low_disk':
      return m.problem_low_disk({ megabytes: problem.free_megabytes })
    case 'certificate_expires':
      return problem.days < 0 ? m.problem_certificate_over() : m.problem_certificate({ days: problem.days })
    case 'certificate_not_renewed':
      return m.problem_not_renewed({ reason: acmeReasonText(problem.failure) })
    case 'update_failed':
      return problem.version
        ? m.problem_update_version({ version: problem.version, reason: problem.reason })
        : m.problem_update({ reason: problem.reason })
    case 'recovery_key_waits':
      return m.problem_recovery_key()
    case 'no_backup':
      return m.problem_no_backup()
    case 'backup_failed':
      return m.problem_backup({ detail: problem.detail })
    case 'no_address':
      return m.problem_no_address()
  }
}

/** How many it is good for, and how many of them are left. */
export function capacityText({ capacity: people, meetings }: Pick<Overview, 'capacity' | 'meetings'>): string {
  if (!meetings.known) return m.box_capacity_all({ people })
  const left = people - meetings.people
  return left > 0 ? m.box_capacity_left({ people, left }) : m.box_capacity_full({ people })
}

export function updateStateText(update: UpdateState): string {
  const version = update.target
  switch (update.state) {
    case 'idle':
      return update.available ? m.update_available({ version: update.available }) : m.update_idle()
    case 'checking':
      return m.update_checking()
    case 'downloading':
      return m.update_downloading()
    case 'writing':
      return m.update_writing({ version })
    case 'verifying-slot':
      return m.update_verifying({ version })
    case 'ready-to-restart':
      return m.update_ready({ version })
    case 'waiting':
      return m.update_waiting()
    case 'restarting':
      return m.update_restarting()
    case 'trying':
      return m.update_trying({ version })
    default:
      return update.state
  }
}

export function lastUpdateText(update: UpdateState): string {
  const { last_version: version, last_reason: reason } = update
  switch (update.last) {
    case 'good':
      return m.update_last_good({ version })
    case 'rolled-back':
      return m.update_last_rolled_back({ version, reason })
    case 'went-back':
      return m.update_last_went_back({ version })
    case 'interrupted':
      return m.update_last_interrupted()
    default:
      return m.update_last_failed({ reason })
  }
}

/** The two largest units. */
export function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const days = Math.floor(hours / 24)
  if (days > 0) return m.duration_days({ days, hours: hours % 24 })
  if (hours > 0) return m.duration_hours({ hours, minutes: minutes % 60 })
  return m.duration_minutes({ minutes })
}
