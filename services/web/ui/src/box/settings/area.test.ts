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

test('a form is busy until what follows is over, and nothing follows what was not taken', async () => {
  const form = new AreaForm(
    'time',
    () => session,
    async () => ({}),
  )
  const done: string[] = []
  await form.store(
    async () => void done.push('stored'),
    async () => {
      expect(form.busy).toBe(true)
      expect(await form.send(async () => void done.push('again'))).toBe(false)
      done.push('tried out')
    },
  )
  await form.store(
    () => Promise.reject(new Error('refused')),
    () => void done.push('never'),
  )
  expect(done).toEqual(['stored', 'tried out'])
  expect([form.busy, form.problem !== undefined]).toEqual([false, true])
})
