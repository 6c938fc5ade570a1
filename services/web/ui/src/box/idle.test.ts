import { expect, test } from 'vitest'
import { idleStep } from './idle'

const minutes = (count: number) => count * 60_000

test('a session goes on while somebody uses the page, and ends with a warning', () => {
  expect(idleStep(0, minutes(4))).toBe('none')
  expect(idleStep(0, minutes(5))).toBe('refresh')
  expect(idleStep(minutes(1), minutes(5))).toBe('none')
  expect(idleStep(minutes(27), minutes(28) - 1)).toBe('none')
  expect(idleStep(minutes(27), minutes(28))).toBe('warn')
  expect(idleStep(0, minutes(29))).toBe('refresh')
  expect(idleStep(minutes(29), minutes(30))).toBe('over')
  expect(idleStep(0, minutes(31))).toBe('refresh')
})
