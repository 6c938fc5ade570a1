import { expect, test } from 'vitest'
import { contents } from '../../../../../docs/operations/README.md'
import { locales } from '../lib/language.svelte'
import { manualPage } from './manual'
import { topics } from './topics'

// Every page is made anew for it.
const LIMIT = 60_000

test('every link to help leads to a page, and to a heading of it, in every language', { timeout: LIMIT }, async () => {
  for (const target of Object.values(topics)) {
    const [page = '', anchor] = target.split('#')
    for (const locale of locales) {
      const manual = await manualPage(page, locale)
      expect(manual, `${locale}: ${page}`).toBeDefined()
      const ids = manual?.headings.map(({ id }) => id)
      if (anchor !== undefined) expect(ids, `${locale}: ${target}`).toContain(anchor)
    }
  }
})

test('the list of pages has every page, in the same order in every language', { timeout: LIMIT }, async () => {
  const files = Object.keys(import.meta.glob('../../../../../docs/operations/{de,en}/*.md'))
  for (const locale of locales) {
    const pages = contents[locale].map(({ page }) => page)
    expect(pages).toEqual(contents.en.map(({ page }) => page))
    const there = files.filter((file) => file.includes(`/${locale}/`)).map((file) => file.replace(/^.*\/|\.md$/g, ''))
    expect([...pages].sort()).toEqual(there.sort())
    for (const { page, title } of contents[locale]) {
      const headings = (await manualPage(page, locale))?.headings ?? []
      expect(headings.filter(({ level }) => level === 1).map(({ text }) => text)).toEqual([title])
      expect(new Set(headings.map(({ id }) => id)).size, `${locale}: ${page}`).toBe(headings.length)
    }
  }
})
