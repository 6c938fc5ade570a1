import { expect, test } from 'vitest'
import { newest } from './newest'

test('an answer is taken unless an order was answered before it', async () => {
  let shown = 'first'
  expect(
    await newest(
      () => shown,
      async () => 'asked',
    ),
  ).toBe('asked')
  const asked = newest(
    () => shown,
    async () => {
      shown = 'ordered'
      return 'asked'
    },
  )
  expect(await asked).toBe('ordered')
})
