import { describe, expect, test } from 'vitest'
import tokens from '../styles/tokens.css?raw'
import { GROUNDS, type Scheme, shades } from './accent'
import { contrast, hex, isColour, oklch } from './colour'

const SCHEMES: Scheme[] = ['light', 'dark']
const NAMED = [
  '#ffff00',
  '#ffcc00',
  '#000000',
  '#ffffff',
  '#808080',
  '#ff0000',
  '#00ff00',
  '#0000ff',
  '#00ffff',
  '#ff00ff',
  '#0a626c',
  '#010000',
  '#fefeff',
]

/** Every corner, edge and face of what screens show. */
function* many() {
  const values = ['00', '24', '49', '6d', '92', 'b6', 'db', 'ff']
  for (const r of values) for (const g of values) for (const b of values) yield `#${r}${g}${b}`
  yield* NAMED
}

describe('colours', () => {
  test('there and back', () => {
    for (const colour of many()) expect(hex(oklch(colour))).toBe(colour)
  })

  test('as CSS has them', () => {
    const { l, c, h } = oklch('#ff0000')
    expect([l, c, (h * 180) / Math.PI].map((value) => value.toFixed(3))).toEqual(['0.628', '0.258', '29.234'])
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21)
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2)
  })

  test('what no screen shows loses chroma, neither lightness nor hue', () => {
    const shown = oklch(hex({ l: 0.6, c: 0.4, h: 2 }))
    expect(shown.l).toBeCloseTo(0.6, 2)
    expect(shown.h).toBeCloseTo(2, 1)
    expect(shown.c).toBeLessThan(0.25)
  })

  test('six digits and nothing else', () => {
    expect(['#ffcc00', '#FFCC00'].every(isColour)).toBe(true)
    expect(['', '#fc0', 'ffcc00', '#ffcc0g', '#ffcc000', 'yellow'].some(isColour)).toBe(false)
  })
})

describe('shades', () => {
  test('the grounds are those of the tokens', () => {
    const found = ['page', 'surface', 'sunken'].map((token) =>
      new RegExp(`--${token}: light-dark\\((#\\w{6}), (#\\w{6})\\);`).exec(tokens)?.slice(1),
    )
    expect(found).toEqual(GROUNDS.light.map((light, at) => [light, GROUNDS.dark[at]]))
  })

  test.each(SCHEMES)('every colour can be read in the %s theme', (scheme) => {
    for (const colour of many()) {
      const { accent, hover, onAccent, soft, onSoft, focus } = shades(colour, scheme)
      for (const ground of GROUNDS[scheme]) {
        for (const shade of [accent, hover, focus]) {
          expect(contrast(shade, ground), `${colour}: ${shade} on ${ground}`).toBeGreaterThanOrEqual(4.5)
        }
      }
      for (const ground of [accent, hover]) {
        expect(contrast(onAccent, ground), `${colour}: ${onAccent} on ${ground}`).toBeGreaterThanOrEqual(4.5)
      }
      expect(contrast(onSoft, soft), `${colour}: ${onSoft} on ${soft}`).toBeGreaterThanOrEqual(4.5)
      expect(hover, colour).not.toBe(accent)
    }
  })

  test('what can be read stays as it is', () => {
    expect(shades('#0a626c', 'light').accent).toBe('#0a626c')
    expect(shades('#ffcc00', 'dark').accent).toBe('#ffcc00')
    expect(shades('#000000', 'light').accent).toBe('#000000')
    expect(shades('#ffffff', 'dark').accent).toBe('#ffffff')
  })

  test.each(SCHEMES)('the hue stays in the %s theme', (scheme) => {
    for (const colour of many()) {
      const own = oklch(colour)
      const { accent } = shades(colour, scheme)
      const found = oklch(accent)
      // Near grey a hue is noise.
      if (own.c < 0.04 || found.c < 0.04) continue
      const turned = Math.abs(Math.atan2(Math.sin(found.h - own.h), Math.cos(found.h - own.h)))
      expect(turned, `${colour} and ${accent}`).toBeLessThan(0.06)
    }
  })

  test('grey stays grey', () => {
    for (const scheme of SCHEMES) {
      const { accent } = shades('#808080', scheme)
      expect(new Set(accent.slice(1).match(/../g)).size).toBe(1)
    }
  })
})
