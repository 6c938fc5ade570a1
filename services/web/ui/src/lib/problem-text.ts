// Words for a device that cannot be used: what is the matter, and what to do.

import type { DeviceProblem, Explanation } from '../devices/problems'
import { m } from '../paraglide/messages'

export function problemTitle({ device, cause }: DeviceProblem): string {
  switch (cause) {
    case 'denied':
    case 'denied_by_system':
      return m.problem_blocked({ device })
    case 'dismissed':
      return m.problem_dismissed({ device })
    case 'in_use':
      return m.problem_in_use({ device })
    case 'missing':
      return m.problem_missing({ device })
    case 'lost':
      return m.problem_lost({ device })
    case 'insecure':
    case 'unsupported':
    case 'failed':
      return m.problem_failed({ device })
  }
}

const helps: Record<Explanation, () => string> = {
  denied_chromium: m.help_denied_chromium,
  denied_firefox: m.help_denied_firefox,
  denied_safari: m.help_denied_safari,
  denied_other: m.help_denied_other,
  denied_by_system: m.help_denied_by_system,
  dismissed: m.help_dismissed,
  in_use: m.help_in_use,
  missing: m.help_missing,
  lost: m.help_lost,
  insecure: m.help_insecure,
  unsupported: m.help_unsupported,
  failed: m.help_failed,
}

export function problemHelp({ explanation }: DeviceProblem): string {
  return helps[explanation]()
}
