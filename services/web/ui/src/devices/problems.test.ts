import { expect, test } from 'vitest'
import { browserFamily, causeOf, problem } from './problems'

const error = (name: string, message = '') => Object.assign(new Error(message), { name })

test('causes are told apart as far as browsers tell them', () => {
  expect(causeOf(error('NotAllowedError', 'Permission denied'), 'denied')).toBe('denied')
  expect(causeOf(error('NotAllowedError', 'Permission dismissed'), undefined)).toBe('dismissed')
  // Firefox after "Block" without "Remember this decision".
  expect(causeOf(error('NotAllowedError'), 'prompt')).toBe('dismissed')
  expect(causeOf(error('NotAllowedError', 'Permission denied by system'), 'granted')).toBe('denied_by_system')
  expect(causeOf(error('NotReadableError'), 'granted')).toBe('in_use')
  expect(causeOf(error('NotFoundError'), 'prompt')).toBe('missing')
  expect(causeOf(error('OverconstrainedError'), 'granted')).toBe('missing')
  expect(causeOf(error('TypeError'), undefined)).toBe('unsupported')
  expect(causeOf('what?', undefined)).toBe('failed')
})

test('where to unblock a device differs by browser', () => {
  const agents = {
    firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0',
    chromium: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
    safari:
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
    other: 'Something/1.0',
  }
  for (const [family, agent] of Object.entries(agents)) expect(browserFamily(agent)).toBe(family)
  expect(problem('camera', 'denied', 'firefox').explanation).toBe('denied_firefox')
  expect(problem('camera', 'in_use', 'firefox').explanation).toBe('in_use')
})
