import { expect, test } from 'vitest'
import { before, type Standing, standing } from './steps'

const info = (change: Partial<Standing>): Standing => ({
  setup_open: true,
  has_administrator: false,
  in_setup: true,
  steps_done: [],
  ...change,
})

test('the set-up goes on at the first step that is not done', () => {
  expect(standing(info({ in_setup: false }))).toBe('code')
  expect(standing(info({}))).toBe('restore')
  expect(standing(info({ steps_done: ['restore', 'network', 'time'] }))).toBe('administrator')
  expect(standing(info({ steps_done: ['restore', 'network', 'time'], has_administrator: true }))).toBe('name')
  // After a restore the network alone is left of the early steps.
  const restored = info({ steps_done: ['restore', 'time', 'name', 'institution'], has_administrator: true })
  expect(standing(restored)).toBe('network')
  expect(standing(info({ setup_open: false }))).toBe('over')
})

test('back is to a step that somebody confirmed', () => {
  expect(before('restore')).toBeUndefined()
  expect(before('network')).toBe('restore')
  expect(before('name')).toBe('time')
  expect(before('finish')).toBe('test')
})
