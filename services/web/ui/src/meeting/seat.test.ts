import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type FakePage, fakePage } from './fakes'
import { Seat } from './seat'

let page: FakePage

beforeEach(() => {
  page = fakePage()
})
afterEach(() => void vi.unstubAllGlobals())

test('a reload finds the seat and the number of the last media connection', () => {
  const seat = new Seat('link', () => 3)
  seat.resume = 'secret'
  page.window.dispatchEvent(new Event('pagehide'))
  const after = new Seat('link', () => 0)
  expect(after.resume).toBe('secret')
  expect(after.earlier?.connections).toBe(3)
})

test('a duplicate of a visible tab finds nothing', () => {
  const seat = new Seat('link', () => 1)
  seat.resume = 'secret'
  expect([...page.storage]).toEqual([])
  page.document.hidden = true
  page.document.dispatchEvent(new Event('visibilitychange'))
  expect(page.storage.size).toBe(1)
  page.document.hidden = false
  page.document.dispatchEvent(new Event('visibilitychange'))
  expect([...page.storage]).toEqual([])
})

test('a seat that was given up stays given up, and another link finds nothing', () => {
  const seat = new Seat('link', () => 1)
  seat.resume = 'secret'
  page.window.dispatchEvent(new Event('pagehide'))
  expect(new Seat('other', () => 0).resume).toBeUndefined()
  seat.clear()
  page.window.dispatchEvent(new Event('pagehide'))
  expect([...page.storage]).toEqual([])
})
