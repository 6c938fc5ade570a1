import { expect, test } from 'vitest'
import { base64, bytes } from './files'

test('a file is the same again, however long', () => {
  for (const length of [0, 1, 2, 3, 0x8000, 0x8001, 200_000]) {
    const content = Uint8Array.from({ length }, (_, index) => (index * 7 + 3) % 256)
    expect(bytes(base64(content))).toEqual(content)
  }
})
