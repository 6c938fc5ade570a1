import { describe, expect, test } from 'vitest'
import { fitted, isForDark } from './logo'

describe('logos', () => {
  test('the longer side fits, and nothing grows', () => {
    expect(fitted(4000, 1000, 512)).toEqual([512, 128])
    expect(fitted(100, 2000, 512)).toEqual([26, 512])
    expect(fitted(64, 32, 512)).toEqual([64, 32])
  })

  const pixels = (...all: [number, number][]) =>
    new Uint8ClampedArray(all.flatMap(([grey, alpha]) => [grey, grey, grey, alpha]))

  test('white letters on nothing are made for dark ground', () => {
    expect(isForDark(pixels([255, 255], [0, 0], [0, 0]))).toBe(true)
    expect(isForDark(pixels([255, 128], [250, 255], [0, 0]))).toBe(true)
  })

  test('dark letters, and whatever brings its own ground, stay as they are', () => {
    expect(isForDark(pixels([20, 255], [0, 0], [0, 0]))).toBe(false)
    expect(isForDark(pixels([255, 255], [255, 255], [20, 255]))).toBe(false)
    expect(isForDark(pixels([0, 0], [0, 0]))).toBe(false)
  })
})
