// The language of the page. Every message reads it, so that switching redraws what is on the screen.

import { isLocale, type Locale, locales, overwriteGetLocale } from '../paraglide/runtime'
import { recall, remember } from './remember'

export { type Locale, locales }

/** Each language by its own name. */
export const languageNames: Record<Locale, string> = { en: 'English', de: 'Deutsch' }

export function pickLocale(remembered: string | undefined, preferred: readonly string[]): Locale {
  if (remembered !== undefined && isLocale(remembered)) return remembered
  for (const tag of preferred) {
    const language = tag.toLowerCase().split('-')[0]
    if (isLocale(language)) return language
  }
  return 'en'
}

class Language {
  #current = $state<Locale>(pickLocale(recall('language'), globalThis.navigator?.languages ?? []))

  get current(): Locale {
    return this.#current
  }

  choose(locale: Locale): void {
    this.#current = locale
    remember('language', locale)
    document.documentElement.lang = locale
  }
}

export const language = new Language()
overwriteGetLocale(() => language.current)

export function applyLanguage(): void {
  document.documentElement.lang = language.current
}
