import { expect, test } from 'vitest'
import { unattended } from './attention'

test('a page is unattended a minute after somebody touched it', () => {
  let now = 0
  const page = new EventTarget()
  const alone = unattended(page, () => now)
  now = 59_999
  expect(alone()).toBe(false)
  page.dispatchEvent(new Event('pointermove'))
  now = 60_000
  expect(alone()).toBe(false)
  now = 119_999
  expect(alone()).toBe(true)
  page.dispatchEvent(new Event('keydown'))
  expect(alone()).toBe(false)
})
