import { expect, test } from 'vitest'
import type { UpdatePart, UpdateState } from '../../generated/protocol'
import { bytes } from '../backup/files'
import { sendUpdate } from './upload'

const content = Uint8Array.from({ length: 5_000_000 }, (_, index) => (index * 7) % 251)

test('the parts are the file', async () => {
  const parts: UpdatePart[] = []
  const send = async (part: UpdatePart) => {
    parts.push(part)
    return {} as UpdateState
  }
  await sendUpdate(send, new Blob([content]), () => {})
  expect(parts.map((part) => [part.first, part.of])).toEqual([
    [0, 5_000_000],
    [2_097_152, 5_000_000],
    [4_194_304, 5_000_000],
  ])
  const whole = parts.flatMap((part) => [...bytes(part.part)])
  expect(whole.length).toBe(content.length)
  expect(whole.every((byte, index) => byte === content[index])).toBe(true)
})

test('what the box refuses ends it', async () => {
  let calls = 0
  const refuse = async () => {
    calls += 1
    throw new Error('foreign key')
  }
  await expect(sendUpdate(refuse, new Blob([content]), () => {})).rejects.toThrow('foreign key')
  expect(calls).toBe(1)
})
