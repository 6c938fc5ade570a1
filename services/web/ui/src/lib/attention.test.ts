import { expect, test } from 'vitest'
import { attention } from './attention'

const moved = (screenX: number) => Object.assign(new Event('pointermove'), { screenX, screenY: 1 })

test('how long nobody has used a page begins anew when somebody touches it', () => {
  let now = 7
  const page = new EventTarget()
  const unused = attention(page, () => now)
  now = 60_007
  expect(unused()).toBe(60_000)
  for (const touch of [moved(3), new Event('keydown'), moved(4)]) {
    page.dispatchEvent(touch)
    expect(unused()).toBe(0)
    now += 500
    expect(unused()).toBe(500)
  }
  for (const nothing of [moved(4), new Event('focusin'), new Event('scroll')]) page.dispatchEvent(nothing)
  expect(unused()).toBe(500)
})
