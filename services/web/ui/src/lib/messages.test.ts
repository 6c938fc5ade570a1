import { expect, test } from 'vitest'
import de from '../../messages/de.json'
import en from '../../messages/en.json'
import { pickLocale } from './language.svelte'

type Message = string | { declarations: string[]; match: Record<string, string> }[]

/** Every text of a message: one, or one per variant. */
function texts(message: Message): string[] {
  return typeof message === 'string' ? [message] : message.flatMap(({ match }) => Object.values(match))
}

function placeholders(message: Message): string[] {
  const found = texts(message).flatMap((text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? ''))
  return [...new Set(found)].sort()
}

const german = de as unknown as Record<string, Message>
const english = en as unknown as Record<string, Message>
const keys = Object.keys(english).filter((key) => key !== '$schema')

test('every message is there in both languages, with the same placeholders and variants', () => {
  expect(Object.keys(german)).toEqual(Object.keys(english))
  for (const key of keys) {
    const [one, other] = [english[key] ?? '', german[key] ?? '']
    expect(placeholders(other), key).toEqual(placeholders(one))
    expect(texts(other).length, key).toBe(texts(one).length)
  }
})

test('no text is empty, has spaces at its ends, or straight quotes', () => {
  for (const key of keys) {
    for (const text of [...texts(english[key] ?? ''), ...texts(german[key] ?? '')]) {
      expect(text.trim(), key).toBe(text)
      expect(text, key).not.toBe('')
      expect(text, key).not.toMatch(/["']/)
    }
  }
})

test('the remembered language wins, then the first of the browser that there is', () => {
  expect(pickLocale('de', ['en-US'])).toBe('de')
  expect(pickLocale(undefined, ['fr-FR', 'de-AT', 'en'])).toBe('de')
  expect(pickLocale('xx', ['pt', 'es'])).toBe('en')
  expect(pickLocale(undefined, [])).toBe('en')
})
