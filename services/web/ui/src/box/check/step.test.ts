import { expect, test } from 'vitest'
import type { Check, Outcome } from '../../generated/protocol'
import { BoxFailure } from '../api'
import type { BoxSession } from '../session.svelte'
import { StepCheck } from './step.svelte'

const time = (outcome: Outcome): Check => ({ what: 'time', outcome, detail: '' })

/** A step whose check answers so, one after another. */
function step(...answers: (() => Promise<Check[]>)[]) {
  const asked: string[] = []
  const checkStep = (name: string) => {
    asked.push(name)
    return answers.shift()?.() ?? Promise.reject(new Error('asked too often'))
  }
  const session = { api: { checkStep }, noticed: async () => {} } as unknown as BoxSession
  const gone: string[] = []
  const check = new StepCheck(
    () => session,
    () => 'time',
    () => void gone.push('on'),
  )
  return { check, asked, gone }
}

test('what is good or not set goes on at once', async () => {
  const { check, asked, gone } = step(async () => [time('good'), time('skipped')])
  await check.run()
  expect([asked, gone, check.findings, check.fresh]).toEqual([['time'], ['on'], [], false])
})

test('what is left open stays, and the next try shows nothing of it', async () => {
  let release = (_: Check[]) => {}
  const again = new Promise<Check[]>((resolve) => {
    release = resolve
  })
  const { check, asked, gone } = step(
    async () => [time('warning'), time('skipped')],
    () => again,
  )
  await check.run()
  expect(check.findings.map(({ outcome }) => outcome)).toEqual(['warning'])
  expect([check.fresh, gone]).toEqual([true, []])
  const second = check.run()
  const third = check.run()
  expect([check.running, check.findings]).toEqual([true, []])
  release([time('good')])
  await Promise.all([second, third])
  expect([asked.length, gone, check.running]).toEqual([2, ['on'], false])
})

test('a check that does not answer can be gone past', async () => {
  const { check, gone } = step(() => Promise.reject(new BoxFailure('offline', '')))
  await check.run()
  expect(check.problem).toBeTruthy()
  expect([check.fresh, check.running, gone]).toEqual([true, false, []])
})

test('an answer leads nowhere once somebody has gone back', async () => {
  const { check, gone } = step(async () => [time('good')])
  const running = check.run()
  check.end()
  await running
  expect(gone).toEqual([])
})
