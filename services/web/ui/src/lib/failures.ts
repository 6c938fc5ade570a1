// What to tell the user when the API refuses something.

import { ApiFailure } from '../meeting/api'
import { m } from '../paraglide/messages'

export function failureText(error: unknown): string {
  if (!(error instanceof ApiFailure)) return m.failure_unexpected()
  switch (error.code) {
    case 'host_key_needed':
      return m.failure_host_key()
    case 'unknown_link':
      return m.failure_unknown_link()
    case 'ended':
      return m.failure_ended()
    case 'too_many_attempts':
      return error.retryAfter === undefined
        ? m.failure_too_many()
        : m.failure_too_many_wait({ seconds: error.retryAfter })
    case 'offline':
      return m.failure_offline()
    case 'unavailable':
      return m.failure_unavailable()
    case 'malformed':
      return m.failure_malformed()
    case 'unexpected':
      return m.failure_unexpected()
  }
}
