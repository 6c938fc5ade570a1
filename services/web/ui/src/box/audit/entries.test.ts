import { expect, test } from 'vitest'
import { changes } from './entries'

test('what differs is told field by field', () => {
  const before = '{"imprint":"","name":"A","revision":0}'
  const after = '{"imprint":"https://a.example","name":"B","revision":1}'
  expect(changes({ before, after })).toEqual([
    { field: 'imprint', before: '–', after: 'https://a.example' },
    { field: 'name', before: 'A', after: 'B' },
  ])
})

test('single values, none, and states that were cut off', () => {
  expect(changes({ before: '', after: '"auditor"' })).toEqual([{ field: '', before: '–', after: 'auditor' }])
  expect(changes({ before: '', after: '' })).toEqual([])
  expect(changes({ before: '{"a":"b', after: '"x"' })).toEqual([{ field: '', before: '{"a":"b', after: 'x' }])
})
