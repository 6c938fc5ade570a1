// How far a mail got, and what to do.

import type { MailOutcome } from '../../generated/protocol'
import { m } from '../../paraglide/messages'

const TEXTS: Record<MailOutcome, () => string> = {
  sent: m.mail_sent,
  name_not_found: m.mail_name_not_found,
  connection_refused: m.mail_connection_refused,
  unreachable: m.mail_unreachable,
  tls_failed: m.mail_tls_failed,
  start_tls_missing: m.mail_start_tls_missing,
  certificate_not_trusted: m.mail_certificate_not_trusted,
  login_refused: m.mail_login_refused,
  sender_refused: m.mail_sender_refused,
  recipient_refused: m.mail_recipient_refused,
  message_refused: m.mail_message_refused,
  server_fault: m.mail_server_fault,
}

export const outcomeText = (outcome: MailOutcome): string => TEXTS[outcome]()
