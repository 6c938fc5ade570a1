import { expect, test, vi } from 'vitest'
import { Notices } from './notices.svelte'

test('a toast replaces an equal one and one of its group, and goes by itself', () => {
  vi.useFakeTimers()
  const notices = new Notices()
  const texts = () => notices.toasts.map(({ text }) => text)
  notices.show('Saved')
  notices.show('Anna came', { group: 'people' })
  vi.advanceTimersByTime(4_000)
  notices.show('Saved')
  notices.show('Ben came', { group: 'people' })
  expect(texts()).toEqual(['Saved', 'Ben came'])
  // Their own time counts, not that of the ones before.
  vi.advanceTimersByTime(4_000)
  expect(texts()).toEqual(['Saved', 'Ben came'])
  vi.advanceTimersByTime(1_000)
  expect(texts()).toEqual([])
  vi.useRealTimers()
})
