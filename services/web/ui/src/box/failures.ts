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
      return error.field === 'name' ? m.box_name_taken() : m.box_changed_meanwhile()
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
      return malformedText(error.field)
    case 'unavailable':
      return m.box_unavailable()
    case 'offline':
      return m.failure_offline()
    case 'unexpected':
      return m.failure_unexpected()
  }
}

function malformedText(field: string | undefined): string {
  switch (field) {
    case 'name':
      return m.box_bad_name()
    case 'imprint':
    case 'privacy':
      return m.box_bad_address()
    default:
      return m.failure_malformed()
  }
}
