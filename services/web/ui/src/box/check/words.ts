// What a check found, in words, and what to do about it.

import type { Check, Checked, Outcome, SelfTest } from '../../generated/protocol'
import { language } from '../../lib/language.svelte'
import { m } from '../../paraglide/messages'
import type { CallResult } from './call'

/** One line of the protocol. */
export interface Finding {
  name: string
  outcome: Outcome
  detail: string
  /** What to do; empty where all is well. */
  remedy: string
}

const NAMES: Record<Checked, () => string> = {
  address: m.check_address,
  dns_forward: m.check_dns_forward,
  dns_reverse: m.check_dns_reverse,
  time: m.check_time,
  certificate: m.check_certificate,
  update_source: m.check_update_source,
  mail: m.check_mail,
  media: m.check_media,
  meetings: m.check_meetings,
  disk: m.check_disk,
  backup: m.check_backup,
}

const REMEDIES: Record<Checked, () => string> = {
  address: m.check_address_remedy,
  dns_forward: m.check_dns_forward_remedy,
  dns_reverse: m.check_dns_reverse_remedy,
  time: m.check_time_remedy,
  certificate: m.check_certificate_remedy,
  update_source: m.check_update_source_remedy,
  mail: m.check_mail_remedy,
  media: m.check_service_remedy,
  meetings: m.check_service_remedy,
  disk: m.check_disk_remedy,
  backup: m.check_backup_remedy,
}

export function finding({ what, outcome, detail }: Check): Finding {
  const wrong = outcome === 'warning' || outcome === 'failed'
  return { name: NAMES[what](), outcome, detail, remedy: wrong ? REMEDIES[what]() : '' }
}

export function udpFinding(result: CallResult): Finding {
  // It came through, but by the relay: the box's port for media is closed on the way.
  const outcome = result.good && result.way?.path === 'udp' ? 'good' : 'warning'
  return {
    name: m.check_udp(),
    outcome,
    detail: timing(result),
    remedy: outcome === 'good' ? '' : m.check_udp_remedy(),
  }
}

export function relayFinding(result: CallResult): Finding {
  const outcome = result.good ? 'good' : 'failed'
  return { name: m.check_relay(), outcome, detail: timing(result), remedy: result.good ? '' : m.check_relay_remedy() }
}

function timing({ good, time, way, reason }: CallResult): string {
  if (!good) return reason ?? ''
  const trip = way?.roundTrip === undefined ? '–' : number(way.roundTrip, 0)
  return m.check_call_detail({ seconds: number(time / 1_000, 1), milliseconds: trip })
}

function number(value: number, digits: number): string {
  return new Intl.NumberFormat(language.current, { maximumFractionDigits: digits }).format(value)
}

export function outcomeText(outcome: Outcome): string {
  switch (outcome) {
    case 'good':
      return m.check_good()
    case 'warning':
      return m.check_warning()
    case 'failed':
      return m.check_failed()
    case 'skipped':
      return m.check_skipped()
  }
}

export function capacityText({ capacity }: SelfTest): string {
  const { people, processors, network, limit } = capacity
  const by =
    limit === 'network' ? m.capacity_by_network({ megabits: network }) : m.capacity_by_processors({ processors })
  return `${m.capacity_people({ people })} ${by}`
}
