import { expect, it } from 'vitest'
import { bitrate } from './graphs'

it('bit rates have the unit that suits them', () => {
  expect(bitrate(0)).toBe('0\u00a0bit/s')
  expect(bitrate(999)).toBe('999\u00a0bit/s')
  expect(bitrate(42_000_000)).toBe('42\u00a0Mbit/s')
  expect(bitrate(2e15)).toMatch(/Tbit\/s$/)
})
