// Who runs the box: what every page shows of it, in its colour. Nothing waits for it, and meetings go on without it.

import type { Institution } from '../generated/protocol'
import { paint } from './accent'
import { recallInstitution, rememberInstitution } from './remember'

const TEXTS = ['name', 'imprint', 'privacy', 'data_protection_officer', 'colour', 'logo'] as const

class Shown {
  #shown = $state.raw<Institution | undefined>(read(recallInstitution()))

  get shown(): Institution | undefined {
    return this.#shown
  }

  /** At first as this tab has seen it last, so that nothing changes under the reader's eyes. */
  begin(): void {
    this.paint()
    void this.load()
  }

  async load(): Promise<void> {
    try {
      const response = await fetch('/api/box/institution', { credentials: 'omit' })
      const found = response.ok ? read(await response.text()) : undefined
      if (found) this.took(found)
    } catch {
      // Then it stays as it is.
    }
  }

  took(institution: Institution): void {
    this.#shown = institution
    rememberInstitution(JSON.stringify(institution))
    this.paint()
  }

  paint(): void {
    paint(this.#shown?.colour ?? '')
  }
}

export const institution = new Shown()

/** A page of one version may read what one of another wrote. */
export function read(text: string): Institution | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const fields = value as Record<string, unknown>
    return TEXTS.every((field) => typeof fields[field] === 'string') ? (value as Institution) : undefined
  } catch {
    return undefined
  }
}

/** Its logo has an address of its own, and is kept by the browser for good. */
export function logoAddress(institution: Institution | undefined): string | undefined {
  return institution?.logo ? `/api/box/institution/logo?v=${encodeURIComponent(institution.logo)}` : undefined
}
