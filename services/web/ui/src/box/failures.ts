// What to tell the user when the box refuses something.

import { m } from '../paraglide/messages'
import { BoxFailure } from './api'

export function boxFailureText(error: unknown): string {
  if (!(error instanceof BoxFailure)) return m.failure_unexpected()
  switch (error.code) {
    case 'wrong_credentials':
      return error.field === 'code' ? m.box_wrong_code() : m.box_wrong_credentials()
    case 'second_factor_needed':
      return m.box_code_needed()
    case 'too_many_attempts':
      return error.retryAfter === undefined
        ? m.failure_too_many()
        : m.failure_too_many_wait({ seconds: error.retryAfter })
    case 'weak_password':
      return m.box_weak_password()
    case 'conflict':
      return conflictText(error)
    case 'last_administrator':
      return m.box_last_administrator()
    case 'unknown_account':
      return m.box_unknown_account()
    case 'setup_over':
      return m.box_setup_over()
    case 'not_signed_in':
    case 'forged':
      return m.box_session_over()
    case 'not_allowed':
      return m.box_not_allowed()
    case 'malformed':
      return malformedText(error)
    case 'certificate_unreadable':
      return error.field === 'key' ? m.box_certificate_bad_key() : m.box_certificate_unreadable()
    case 'certificate_key_mismatch':
      return m.box_certificate_key_mismatch()
    case 'certificate_chain':
      return m.box_certificate_broken_chain()
    case 'certificate_expired':
      return m.box_certificate_expired()
    case 'certificate_not_yet_valid':
      return m.box_certificate_not_yet_valid()
    case 'certificate_wrong_name':
      return m.box_certificate_wrong_name()
    case 'certificate_wrong_use':
      return m.box_certificate_wrong_use()
    case 'backup_unreadable':
      return m.restore_unreadable()
    case 'backup_wrong_key':
      return m.restore_wrong_key()
    case 'backup_too_new':
      return m.restore_too_new()
    case 'unknown_room':
      return m.rooms_unknown()
    case 'no_meeting':
      return m.rooms_no_meeting()
    case 'no_host':
      return m.rooms_no_host()
    case 'meetings_unavailable':
      return m.rooms_unavailable()
    case 'unavailable':
      return m.box_unavailable()
    case 'offline':
      return m.failure_offline()
    case 'unexpected':
      return m.failure_unexpected()
  }
}

function conflictText(error: BoxFailure): string {
  switch (error.field) {
    case 'name':
      return m.box_name_taken()
    case 'token':
      return m.box_network_late()
    case 'server':
      return m.box_mail_no_server()
    case 'action':
    case 'first':
    case 'part':
      // The reason is the updater's own, in English, as in the log.
      return m.box_update_refused({ reason: error.message })
    default:
      return m.box_changed_meanwhile()
  }
}

const MALFORMED: Record<string, () => string> = {
  name: m.box_bad_name,
  title: m.rooms_title_bad,
  host_name: m.box_bad_host_name,
  last_part: m.box_key_wrong,
  daily_at: m.backup_bad_time,
  keep: m.backup_bad_keep,
  deletions: m.restore_old_deletions,
  imprint: m.box_bad_address,
  privacy: m.box_bad_address,
  colour: m.box_bad_colour,
  logo: m.box_bad_logo,
  servers: m.box_bad_servers,
  source: m.box_bad_address,
  server: m.box_mail_bad_server,
  port: m.box_mail_bad_port,
  user: m.box_mail_user_missing,
  password: m.box_mail_password_missing,
  sender: m.box_mail_bad_address,
  recipients: m.box_mail_bad_recipients,
  recipient: m.box_mail_bad_address,
  restart_window: m.box_update_bad_window,
  authorities: m.box_bad_authorities,
  names: m.box_bad_names,
  directory: m.box_bad_address,
  contact: m.box_acme_bad_contact,
  binding_key: m.box_acme_bad_key,
  enabled: m.box_acme_reason_no_name,
  key: m.box_certificate_key_missing,
  ports: m.box_network_one_port,
  bond: m.box_network_bond_needs_two,
  vlan: m.box_network_bad_vlan,
  ipv4: m.box_network_both_off,
  'ipv4.address': m.box_network_bad_address,
  'ipv4.prefix': m.box_network_bad_address,
  'ipv4.gateway': m.box_network_bad_gateway,
  'ipv6.address': m.box_network_bad_address,
  'ipv6.prefix': m.box_network_bad_address,
  'ipv6.gateway': m.box_network_bad_gateway,
  dns: m.box_network_bad_dns,
  domains: m.box_bad_servers,
  public_addresses: m.box_network_bad_public,
  proxy: m.box_bad_proxy,
  proxy_except: m.box_bad_proxy_except,
}

function malformedText({ field }: BoxFailure): string {
  const text = field === undefined ? undefined : MALFORMED[field]
  return (text ?? m.failure_malformed)()
}
