import { expect, test } from 'vitest'
import { backoff } from './backoff'

test('the first try is almost immediate, later ones wait longer, none over ten seconds', () => {
  const shortest = [1, 2, 3, 4, 5, 6, 7, 8, 50].map((attempt) => backoff(attempt, () => 0))
  expect(shortest).toEqual([0, 375, 375, 750, 1_500, 3_000, 6_000, 7_500, 7_500])
  const longest = [1, 2, 3, 4, 5, 6, 7, 8, 50].map((attempt) => backoff(attempt, () => 1))
  expect(longest).toEqual([200, 625, 625, 1_250, 2_500, 5_000, 10_000, 10_000, 10_000])
})
