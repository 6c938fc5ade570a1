import { expect, test } from 'vitest'
import { onTheWall } from './clock'

test('hours in UTC are shown as the clock on the wall has them', () => {
  expect(onTheWall('02:00', 60)).toBe('03:00')
  expect(onTheWall(' 1:00-03:30 ', 120)).toBe('03:00–05:30')
  expect(onTheWall('23:30-00:30', 60)).toBe('00:30–01:30')
  expect(onTheWall('02:00', -330)).toBe('20:30')
  expect(onTheWall('02:00', 840)).toBe('16:00')
})

test('nothing is shown of what is no time, and where the wall has UTC', () => {
  for (const text of ['', '2', '24:00', '02:60', '02:00-', '02:00-3', 'two'])
    expect(onTheWall(text, 60), text).toBeUndefined()
  expect(onTheWall('02:00', 0)).toBeUndefined()
})
