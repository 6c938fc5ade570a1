import { afterEach, expect, test, vi } from 'vitest'
import { BoxApi } from './api'

afterEach(() => vi.unstubAllGlobals())

test('what a page asks while nobody uses it says so, and what a person orders never does', async () => {
  const sent = vi.fn(async (_: string, { headers }: { headers: Record<string, string> }) => {
    return Response.json('x-unattended' in headers)
  })
  vi.stubGlobal('fetch', sent)
  let alone = false
  let now = 0
  const api = new BoxApi(
    () => alone,
    () => now,
  )
  now = 10
  expect(await api.overview()).toBe(false)
  alone = true
  now = 30
  expect(await api.overview()).toBe(true)
  expect(await api.findRooms({ text: '', running: false })).toBe(true)
  expect(api.sinceAttended).toBe(20)
  expect(await api.openMetrics()).toBe(false)
  expect(api.sinceAttended).toBe(0)
  vi.stubGlobal('fetch', async () => Response.json({ idle_seconds_left: 1_700 }))
  await api.session()
  expect(api.sinceAttended, 'another page was used 100 seconds ago').toBe(100_000)
})

test('a page knows when its session ends', async () => {
  let now = 0
  const api = new BoxApi(
    () => false,
    () => now,
  )
  expect(api.untilEnd).toBe(Number.POSITIVE_INFINITY)
  vi.stubGlobal('fetch', async () => Response.json({ seconds_left: 36_000 }))
  await api.session()
  now = 35_000_000
  expect(api.untilEnd).toBe(1_000_000)
  vi.stubGlobal('fetch', async () => Response.json({}))
  await api.signOut()
  expect(api.untilEnd, 'nobody is signed in').toBe(Number.POSITIVE_INFINITY)
})
