// Why a device cannot be used, in categories that a person can act on.

export type DeviceKind = 'microphone' | 'camera' | 'screen'

export type ProblemCause =
  /** The page may not use it: blocked in the browser. */
  | 'denied'
  /** The browser may not use it: blocked in the operating system. */
  | 'denied_by_system'
  /** The question was closed without an answer. */
  | 'dismissed'
  /** Another program holds it, or it does not start. */
  | 'in_use'
  | 'missing'
  /** It was there and went away. */
  | 'lost'
  /** The page was not loaded over HTTPS. */
  | 'insecure'
  | 'unsupported'
  | 'failed'

export type BrowserFamily = 'chromium' | 'firefox' | 'safari' | 'other'

/** Names the text that tells the user what to do. */
export type Explanation = Exclude<ProblemCause, 'denied'> | `denied_${BrowserFamily}`

export interface DeviceProblem {
  device: DeviceKind
  cause: ProblemCause
  browser: BrowserFamily
  explanation: Explanation
}

export function browserFamily(userAgent: string): BrowserFamily {
  if (/Firefox\/|FxiOS\//.test(userAgent)) return 'firefox'
  if (/Chrome\/|Chromium\/|CriOS\/|Edg\//.test(userAgent)) return 'chromium'
  if (/Safari\//.test(userAgent)) return 'safari'
  return 'other'
}

export function problem(
  device: DeviceKind,
  cause: ProblemCause,
  browser = browserFamily(navigator.userAgent),
): DeviceProblem {
  return { device, cause, browser, explanation: cause === 'denied' ? `denied_${browser}` : cause }
}

/**
 * The cause behind an exception of getUserMedia or getDisplayMedia (W3C Media Capture and Streams,
 * section 10.2). `permission` is the state asked for after the exception: Chromium reports a closed
 * question and a blocked device alike, and only the state tells them apart.
 */
export function causeOf(error: unknown, permission: PermissionState | undefined): ProblemCause {
  const name = error instanceof Error ? error.name : ''
  const text = error instanceof Error ? error.message : ''
  switch (name) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
      if (/by system/i.test(text)) return 'denied_by_system'
      if (permission === 'prompt' || /dismissed/i.test(text)) return 'dismissed'
      return 'denied'
    case 'SecurityError':
      return 'denied'
    case 'NotFoundError':
    case 'DevicesNotFoundError':
    case 'OverconstrainedError':
      // Firefox says NotFoundError where the operating system hides the device from it.
      return 'missing'
    case 'NotReadableError':
    case 'TrackStartError':
    case 'AbortError':
      return 'in_use'
    case 'TypeError':
    case 'NotSupportedError':
      return 'unsupported'
    default:
      return 'failed'
  }
}
