// The institution's colour as the accent of the pages, in shades that can be read whatever colour it is.

import { contrast, hex, isColour, type Oklch, oklch } from './colour'

export type Scheme = 'light' | 'dark'

/** What accents stand on, as styles/tokens.css has it: --page, --surface, --sunken. */
export const GROUNDS: Record<Scheme, readonly string[]> = {
  light: ['#f5f4f0', '#ffffff', '#eceae4'],
  dark: ['#111517', '#1a2023', '#242b2f'],
}

/** WCAG 2.2, success criterion 1.4.3: text. */
const READABLE = 4.5
const STEP = 0.005

export interface Shades {
  accent: string
  hover: string
  onAccent: string
  soft: string
  onSoft: string
  focus: string
}

/** The nearest lightness, in this direction, at which it can be read on all of these. */
function readable(colour: Oklch, direction: 1 | -1, grounds: readonly string[]): string {
  for (let l = colour.l; l >= 0 && l <= 1; l += direction * STEP) {
    const shade = hex({ ...colour, l })
    if (grounds.every((ground) => contrast(shade, ground) >= READABLE)) return shade
  }
  return direction === 1 ? '#ffffff' : '#000000'
}

export function shades(colour: string, scheme: Scheme): Shades {
  const away = scheme === 'light' ? -1 : 1
  const own = oklch(colour)
  const accent = readable(own, away, GROUNDS[scheme])
  const found = oklch(accent)
  // Further away from the ground; what is at the end already comes back a little.
  const further = found.l + away * 0.07
  const l = further < 0 || further > 1 ? found.l - away * 0.12 : further
  const hover = readable({ ...own, l }, away, GROUNDS[scheme])
  const tinted = (lightness: number, most: number) => ({ ...own, l: lightness, c: Math.min(own.c, most) })
  const [softLightness, onSoftLightness] = scheme === 'light' ? [0.93, 0.4] : [0.33, 0.89]
  const soft = hex(tinted(softLightness, 0.035))
  return {
    accent,
    hover,
    onAccent: scheme === 'light' ? '#ffffff' : readable(tinted(0.25, 0.05), -1, [accent, hover]),
    soft,
    onSoft: readable(tinted(onSoftLightness, 0.09), away, [soft]),
    focus: scheme === 'light' ? accent : hover,
  }
}

const TOKENS: Record<string, keyof Shades> = {
  '--accent': 'accent',
  '--accent-hover': 'hover',
  '--on-accent': 'onAccent',
  '--accent-soft': 'soft',
  '--on-accent-soft': 'onSoft',
  '--focus': 'focus',
}

/** In the place of the colours of styles/tokens.css; none gives those back. */
export function paint(colour: string): void {
  const { style } = document.documentElement
  if (!isColour(colour)) {
    for (const token of Object.keys(TOKENS)) style.removeProperty(token)
    return
  }
  const [light, dark] = [shades(colour, 'light'), shades(colour, 'dark')]
  for (const [token, shade] of Object.entries(TOKENS)) {
    style.setProperty(token, `light-dark(${light[shade]}, ${dark[shade]})`)
  }
}
