import { expect, test } from 'vitest'
import { overTls } from './relays'

test('the check of TCP 443 uses no other relay', () => {
  const login = { username: 'u', credential: 'c' }
  const tls = 'turns:box.example:443?transport=tcp'
  const plain = ['turn:box.example:3478?transport=udp', 'turn:box.example:3478?transport=tcp']
  const servers = [
    { urls: [...plain, tls], ...login },
    { urls: plain, ...login },
  ]
  expect(overTls(servers)).toEqual([{ urls: [tls], ...login }])
  expect(servers[0]?.urls).toHaveLength(3)
  expect(overTls([])).toEqual([])
})
