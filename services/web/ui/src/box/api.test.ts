import { afterEach, expect, test, vi } from 'vitest'
import { BoxApi } from './api'

afterEach(() => vi.unstubAllGlobals())

test('what a page asks while nobody uses it says so, and what a person orders never does', async () => {
  const sent = vi.fn(async (_: string, { headers }: { headers: Record<string, string> }) => {
    return Response.json('x-unattended' in headers)
  })
  vi.stubGlobal('fetch', sent)
  let alone = false
  const api = new BoxApi(() => alone)
  expect(await api.overview()).toBe(false)
  alone = true
  expect(await api.overview()).toBe(true)
  expect(await api.findRooms({ text: '', running: false })).toBe(true)
  expect(await api.openMetrics()).toBe(false)
})
