import { describe, expect, test } from 'vitest'
import { logoAddress, read } from './institution.svelte'
import { readPasted, routeOf } from './router.svelte'
import { contactHref, duration, initials, linkify } from './text'

describe('links', () => {
  const secret = 'k3Jv0xQnT1mZ8aYwB5dEfg'

  test('pages by path; a join page without a secret is the start page', () => {
    expect(routeOf('/', '')).toEqual({ page: 'start' })
    expect(routeOf('/join', `#${secret}`)).toEqual({ page: 'join', link: secret })
    expect(routeOf('/join', '')).toEqual({ page: 'start' })
    expect(routeOf('/help', '')).toEqual({ page: 'help', topic: undefined, anchor: '' })
    expect(routeOf('/help/network', '#ports')).toEqual({ page: 'help', topic: 'network', anchor: 'ports' })
    for (const path of ['/elsewhere', '/help/a/b', '/helpless']) expect(routeOf(path, '')).toEqual({ page: 'unknown' })
  })

  test('a pasted link works whole, without its scheme, and as the secret alone', () => {
    for (const text of [`https://box.example/join#${secret}`, ` box.example/join#${secret}\n`, secret]) {
      expect(readPasted(text, 'box.example')).toEqual({ kind: 'link', link: secret })
    }
  })

  test('a link to another server, and no link at all, are told apart', () => {
    expect(readPasted(`https://other.example/join#${secret}`, 'box.example').kind).toBe('elsewhere')
    for (const text of ['', 'hello there', 'https://box.example/', 'javascript:alert(1)', 'box.example/join']) {
      expect(readPasted(text, 'box.example')).toEqual({ kind: 'nonsense' })
    }
  })
})

describe('contacts', () => {
  test('mail and pages are links, and everything else is text', () => {
    expect(contactHref('dpo@example.org')).toBe('mailto:dpo@example.org')
    expect(contactHref('dpo?bcc=eve@example.org')).toBe('mailto:dpo%3Fbcc%3Deve@example.org')
    expect(contactHref('https://example.org/dpo')).toBe('https://example.org/dpo')
    for (const text of [
      '',
      'Ada Lovelace',
      '040 123',
      'javascript:alert(1)',
      'http://example.org',
      'https://',
      'Ada <a@b.org>',
      'a@b.org?cc=c@d.org',
      'a@b',
    ]) {
      expect(contactHref(text), text).toBeUndefined()
    }
  })
})

describe('institution', () => {
  const known = { revision: 1, name: 'A', imprint: '', privacy: '', data_protection_officer: '', colour: '', logo: '' }

  test('what the tab kept is taken as a whole or not at all', () => {
    expect(read(JSON.stringify(known))).toEqual(known)
    for (const text of ['', '{', 'null', '[]', JSON.stringify({ ...known, logo: 1 }), '{"name":"A"}']) {
      expect(read(text), text).toBeUndefined()
    }
  })

  test('the address of a logo names it', () => {
    expect(logoAddress(undefined)).toBeUndefined()
    expect(logoAddress(known)).toBeUndefined()
    expect(logoAddress({ ...known, logo: 'a-b_c' })).toBe('/api/box/institution/logo?v=a-b_c')
  })
})

describe('chat', () => {
  const hrefs = (text: string) => linkify(text).flatMap(({ href }) => href ?? [])

  test('nothing is lost', () => {
    const text = 'See https://a.example/x?y=1#z, (https://b.example/w_(q)). javascript:alert(1) <https://c.example>'
    expect(
      linkify(text)
        .map((part) => part.text)
        .join(''),
    ).toBe(text)
    expect(hrefs(text)).toEqual(['https://a.example/x?y=1#z', 'https://b.example/w_(q)', 'https://c.example/'])
  })

  test('only http and https become links', () => {
    expect(hrefs('javascript:alert(1) data:text/html,x ftp://a.example mailto:a@b.example')).toEqual([])
    expect(hrefs('https:// http://')).toEqual([])
  })
})

test('initials', () => {
  expect(initials('Anna Lena Müller')).toBe('AM')
  expect(initials('  émile ')).toBe('É')
  expect(initials('👩‍🚀')).toBe('?')
  expect(initials('(Gast) 7')).toBe('G7')
  expect(initials('')).toBe('?')
})

test('durations', () => {
  expect([7_000, 754_000, 3_723_000, -5].map(duration)).toEqual(['0:07', '12:34', '1:02:03', '0:00'])
})
