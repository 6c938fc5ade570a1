// What an entry of the audit log says.

import type { AuditEntry } from '../../generated/protocol'
import { m } from '../../paraglide/messages'
import { areaText } from '../areas'

export function eventText({ event, subject }: AuditEntry): string {
  switch (event) {
    case 'setup_opened':
      return m.audit_setup_opened()
    case 'setup_code_wrong':
      return m.audit_setup_code_wrong()
    case 'setup_finished':
      return m.audit_setup_finished()
    case 'signed_in':
      return m.audit_signed_in()
    case 'sign_in_failed':
      return subject ? m.audit_sign_in_failed({ name: subject }) : m.audit_sign_in_failed_unknown()
    case 'signed_out':
      return m.audit_signed_out()
    case 'recovery_code_used':
      return m.audit_recovery_code_used()
    case 'account_created':
      return m.audit_account_created({ name: subject })
    case 'account_confirmed':
      return m.audit_account_confirmed({ name: subject })
    case 'account_removed':
      return m.audit_account_removed({ name: subject })
    case 'password_changed':
      return m.audit_password_changed()
    case 'second_factor_shown':
      return m.audit_second_factor_shown()
    case 'second_factor_replaced':
      return m.audit_second_factor_replaced()
    case 'settings_changed':
      return m.audit_settings_changed({ area: areaText(subject) })
    case 'network_tried':
      return m.audit_network_tried()
    case 'network_taken_back':
      return m.audit_network_taken_back()
    case 'certificate_requested':
      return m.audit_certificate_requested({ names: subject })
    case 'certificate_changed':
      return subject ? m.audit_certificate_changed({ fingerprint: subject }) : m.audit_certificate_own()
    case 'restarted':
      return m.audit_restarted()
    case 'switched_off':
      return m.audit_switched_off()
    case 'update_ordered':
      return m.audit_update_ordered({ order: subject })
    case 'factory_reset':
      return m.audit_factory_reset()
    case 'recovery_key_shown':
      return m.audit_recovery_key_shown()
    case 'recovery_key_taken':
      return m.audit_recovery_key_taken()
    case 'host_key_shown':
      return m.audit_host_key_shown()
    case 'support_shown':
      return m.audit_support_shown()
    case 'backup_key_made':
      return m.audit_backup_key_made({ number: subject })
    case 'backup_key_taken':
      return m.audit_backup_key_taken({ number: subject })
    case 'backup_made':
      return m.audit_backup_made({ name: subject })
    case 'backup_saved':
      return m.audit_backup_saved({ name: subject })
    case 'restore_tested':
      return m.audit_restore_tested({ name: subject })
    case 'restored':
      return m.audit_restored({ name: subject })
    case 'mail_tested':
      return m.audit_mail_tested({ recipient: subject })
    case 'metrics_opened':
      return m.audit_metrics_opened()
    case 'metrics_closed':
      return m.audit_metrics_closed()
    case 'metrics_refused':
      return m.audit_metrics_refused()
    case 'room_created':
      return m.audit_room_created({ number: subject })
    case 'guest_link_replaced':
      return m.audit_guest_link_replaced({ number: subject })
    case 'meeting_ended':
      return m.audit_meeting_ended({ number: subject })
    case 'room_deleted':
      return m.audit_room_deleted({ number: subject })
    case 'provisioned':
      return m.audit_provisioned({ names: subject })
    case 'audit_read':
      return m.audit_read()
    case 'audit_saved':
      return m.audit_saved()
    case 'unknown':
      return m.audit_unknown()
    case 'audit_forwarded':
      return m.audit_forwarded()
  }
}

export interface Change {
  /** Empty where the whole is one value. */
  field: string
  before: string
  after: string
}

/** What differs, field by field. */
export function changes(entry: Pick<AuditEntry, 'before' | 'after'>): Change[] {
  const before = parse(entry.before)
  const after = parse(entry.after)
  if (!isRecord(before) && !isRecord(after)) {
    return entry.before || entry.after ? [{ field: '', before: text(before), after: text(after) }] : []
  }
  const [old, fresh] = [isRecord(before) ? before : {}, isRecord(after) ? after : {}]
  const fields = [...new Set([...Object.keys(old), ...Object.keys(fresh)])]
  // It says nothing that the entry itself does not.
  const telling = fields.filter((field) => field !== 'revision')
  return telling.map((field) => ({ field, before: text(old[field]), after: text(fresh[field]) }))
}

/** Long states are cut off by the box: then they are shown as they are. */
function parse(json: string): unknown {
  if (!json) return undefined
  try {
    return JSON.parse(json)
  } catch {
    return json
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: unknown): string {
  if (value === undefined || value === null || value === '') return '–'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
