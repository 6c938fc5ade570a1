import { expect, test } from 'vitest'
import type { BoxSession } from '../session.svelte'
import { AreaForm } from './area.svelte'

const session = { noticed: async () => {} } as unknown as BoxSession

test('a second click does nothing, and another button comes after the first', async () => {
  const form = new AreaForm(
    'mail',
    () => session,
    async () => ({}),
  )
  const done: string[] = []
  let release = () => {}
  const first = form.send(async () => {
    await new Promise<void>((resolve) => {
      release = resolve
    })
    done.push('first')
  })
  const again = form.send(async () => void done.push('again'))
  const other = form.sendNext(async () => void done.push('other'))
  expect(await again).toBe(false)
  expect(done).toEqual([])
  release()
  expect([await first, await other]).toEqual([true, true])
  expect(done).toEqual(['first', 'other'])
  expect(form.busy).toBe(false)
})
