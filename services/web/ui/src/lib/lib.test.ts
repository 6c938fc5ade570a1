import { describe, expect, test } from 'vitest'
import { readPasted, routeOf } from './router.svelte'
import { duration, initials, linkify } from './text'

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
