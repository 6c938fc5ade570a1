// Everything that this page keeps in the browser, in one list (TR2): nothing but what the user chose, and for the tab
// what the box says of itself. src/devices adds the chosen devices. There are no cookies.

const KEYS = {
  language: 'plenum.language',
  theme: 'plenum.theme',
  name: 'plenum.name',
  layout: 'plenum.layout',
  pushToTalk: 'plenum.push-to-talk',
  selfView: 'plenum.self-view',
} as const

export type Remembered = keyof typeof KEYS

/** Storage may be forbidden by the browser's settings: then nothing is remembered, and all else works. */
export function recall(key: Remembered): string | undefined {
  try {
    return localStorage.getItem(KEYS[key]) ?? undefined
  } catch {
    return undefined
  }
}

export function remember(key: Remembered, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(KEYS[key])
    else localStorage.setItem(KEYS[key], value)
  } catch {
    // Not remembered, then.
  }
}

const HOST_KEY = 'plenum.host-key'
const INSTITUTION = 'plenum.institution'

/** The host key lives as long as the tab. */
export const recallHostKey = () => recallForTab(HOST_KEY)
export const rememberHostKey = (value: string) => rememberForTab(HOST_KEY, value)

export const recallInstitution = () => recallForTab(INSTITUTION)
export const rememberInstitution = (value: string) => rememberForTab(INSTITUTION, value)

function recallForTab(key: string): string {
  try {
    return sessionStorage.getItem(key) ?? ''
  } catch {
    return ''
  }
}

function rememberForTab(key: string, value: string): void {
  try {
    if (value) sessionStorage.setItem(key, value)
    else sessionStorage.removeItem(key)
  } catch {
    // Not remembered, then.
  }
}
