// Why the ACME directory gave no certificate, and what helps.

import type { AcmeFailure } from '../generated/protocol'
import { m } from '../paraglide/messages'

export function acmeReasonText({ reason, name }: Pick<AcmeFailure, 'reason' | 'name'>): string {
  switch (reason) {
    case 'no_name':
      return m.box_acme_reason_no_name()
    case 'unreachable':
      return m.box_acme_reason_unreachable()
    case 'untrusted':
      return m.box_acme_reason_untrusted()
    case 'no_directory':
      return m.box_acme_reason_no_directory()
    case 'binding_needed':
      return m.box_acme_reason_binding_needed()
    case 'account':
      return m.box_acme_reason_account()
    case 'name':
      return m.box_acme_reason_name({ name })
    case 'dns':
      return m.box_acme_reason_dns({ name })
    case 'connection':
      return m.box_acme_reason_connection({ name })
    case 'other_server':
      return m.box_acme_reason_other_server({ name })
    case 'caa':
      return m.box_acme_reason_caa({ name })
    case 'no_tls_alpn':
      return m.box_acme_reason_no_tls_alpn()
    case 'rate_limited':
      return m.box_acme_reason_rate_limited()
    case 'box':
      return m.box_acme_reason_box()
    case 'certificate':
      return m.box_acme_reason_certificate()
    case 'directory':
      return m.box_acme_reason_directory()
  }
}
