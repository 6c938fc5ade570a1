import { expect, test } from 'vitest'
import { levelOf } from './level'

test('silence is 0, full scale is 1, speech in between', () => {
  const tone = (amplitude: number) => Float32Array.from({ length: 1024 }, (_, i) => amplitude * Math.sign(Math.sin(i)))
  expect(levelOf(new Float32Array(1024))).toBe(0)
  expect(levelOf(tone(1))).toBeCloseTo(1, 1)
  expect(levelOf(tone(0.1))).toBeGreaterThan(0.5)
  expect(levelOf(tone(0.1))).toBeLessThan(0.8)
})
