// The pages of the operations manual, as scripts/manual.js makes them of docs/operations.

import type { Component } from 'svelte'
import type { Locale } from '../lib/language.svelte'

export interface ManualPage {
  default: Component
  /** In their order; the first is that of the page. */
  headings: { level: number; text: string; id: string }[]
}

const pages = import.meta.glob<ManualPage>('../../../../../docs/operations/{de,en}/*.md')

/** Undefined: there is no such page. */
export function manualPage(page: string, language: Locale): Promise<ManualPage> | undefined {
  return pages[`../../../../../docs/operations/${language}/${page}.md`]?.()
}
