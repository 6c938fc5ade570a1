import { expect, test } from 'vitest'
import { listed, words } from './lists'

test('lists are written and read in one field', () => {
  expect(words(' a.example, 192.0.2.1;b.example\n')).toEqual(['a.example', '192.0.2.1', 'b.example'])
  expect(words('  ')).toEqual([])
  expect(words(listed(['a', 'b']))).toEqual(['a', 'b'])
})
