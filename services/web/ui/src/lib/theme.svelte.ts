// Light, dark, or as the system says. styles/tokens.css does the rest.

import { recall, remember } from './remember'

export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

function isTheme(text: string | undefined): text is Theme {
  return themes.some((theme) => theme === text)
}

class Appearance {
  #current = $state<Theme>('system')

  constructor() {
    const remembered = recall('theme')
    if (isTheme(remembered)) this.#current = remembered
  }

  get current(): Theme {
    return this.#current
  }

  choose(theme: Theme): void {
    this.#current = theme
    remember('theme', theme === 'system' ? undefined : theme)
    this.apply()
  }

  apply(): void {
    if (this.#current === 'system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = this.#current
  }
}

export const appearance = new Appearance()
