import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Latest } from './latest'

let sent: number[]
let connected: boolean
let latest: Latest<number>

beforeEach(() => {
  vi.useFakeTimers()
  sent = []
  connected = true
  latest = new Latest<number>(100, (value) => {
    if (connected) sent.push(value)
    return connected
  })
})
afterEach(() => void vi.useRealTimers())

test('the first value goes at once, of the following only the newest, and not too soon', () => {
  for (const value of [1, 2, 3]) latest.set(value)
  expect(sent).toEqual([1])
  vi.advanceTimersByTime(99)
  expect(sent).toEqual([1])
  vi.advanceTimersByTime(1)
  expect(sent).toEqual([1, 3])
})

test('what the other side knows already is not sent again', () => {
  latest.set(1)
  vi.advanceTimersByTime(100)
  latest.set(1)
  latest.set(2)
  latest.set(1)
  vi.advanceTimersByTime(1_000)
  expect(sent).toEqual([1, 2, 1])
  latest.again()
  expect(sent).toEqual([1, 2, 1, 1])
})

test('a value set without a connection goes out with the next one', () => {
  connected = false
  latest.set(7)
  vi.advanceTimersByTime(1_000)
  connected = true
  latest.again()
  expect(sent).toEqual([7])
})

test('after a refusal the newest value goes out once more, later', () => {
  latest.set(1)
  latest.again(500)
  latest.set(2)
  vi.advanceTimersByTime(499)
  expect(sent).toEqual([1])
  vi.advanceTimersByTime(1)
  expect(sent).toEqual([1, 2])
})
