import { describe, expect, it } from 'vitest'
import { line, rows, summary, top } from './scale'

describe('graphs', () => {
  it('have a round top that nothing exceeds', () => {
    expect(top([0.3, null, 7], 1)).toBe(10)
    expect(top([13, 18], 1)).toBe(20)
    expect(top([200], 1)).toBe(200)
    expect(top([null], 5)).toBe(5)
    expect(top([4.2e8], 1_000)).toBe(5e8)
  })

  it('break where nothing is known', () => {
    expect(line([0, 5, null, 10, 0], 10, 100, 50)).toBe('M0.0 50.0L25.0 25.0M75.0 0.0L100.0 50.0')
    expect(line([null, 5, null], 10, 100, 50)).toBe('M50.0 25.0h0.1')
    expect(line([], 10, 100, 50)).toBe('')
    expect(line([99], 10, 100, 50)).toBe('M0.0 0.0h0.1')
  })

  it('say what they show in numbers', () => {
    expect(summary([1, null, 3, 2])).toEqual({ mean: 2, most: 3, last: 2 })
    expect(summary([null])).toBeUndefined()
    expect(rows([1, 3, null, null, 8, 2], 3)).toEqual([2, null, 5])
    expect(rows([1, 2, 3, 4, 5], 2)).toEqual([2, 4.5])
  })
})
