import { expect, test } from 'vitest'
import type { NetworkSettings } from '../../generated/protocol'
import { fieldsOf, settingsOf, tokenIn, urlAt } from './network'

const factory: NetworkSettings = {
  revision: 3,
  ports: [],
  bond: null,
  vlan: null,
  ipv4: { mode: 'dhcp' },
  ipv6: { mode: 'automatic' },
  dns: [],
  domains: [],
  proxy: '',
  proxy_except: [],
}

test('settings stay what they are in the form', () => {
  const fixed: NetworkSettings = {
    ...factory,
    ports: ['enp1s0', 'enp2s0'],
    bond: 'lacp',
    vlan: 42,
    ipv4: { mode: 'static', address: '192.0.2.7', prefix: 24, gateway: '192.0.2.1' },
    ipv6: { mode: 'static', address: '2001:db8::7', prefix: 64, gateway: null },
    dns: ['192.0.2.53', '2001:db8::53'],
    domains: ['example.org'],
    proxy: 'http://proxy.example.org:3128',
    proxy_except: ['example.org', '192.0.2.1'],
  }
  for (const settings of [factory, fixed, { ...factory, ipv6: { mode: 'off' as const } }]) {
    expect(settingsOf(fieldsOf(settings), settings.revision)).toEqual(settings)
  }
})

test('what is no address with a prefix is named', () => {
  const fields = fieldsOf(factory)
  for (const address of ['', '192.0.2.7', '192.0.2.7/', '192.0.2.7/24/1', '192.0.2.7/x']) {
    expect(settingsOf({ ...fields, ipv4: { mode: 'static', address, gateway: '' } }, 0)).toEqual({
      wrong: 'ipv4.address',
    })
    expect(settingsOf({ ...fields, ipv6: { mode: 'static', address, gateway: '' } }, 0)).toEqual({
      wrong: 'ipv6.address',
    })
  }
  expect(settingsOf({ ...fields, vlan: 'x' }, 0)).toEqual({ wrong: 'vlan' })
})

test('the new address bears the token behind its hash', () => {
  expect(urlAt('192.0.2.7', '/setup', 'aB-_9')).toBe('https://192.0.2.7/setup#confirm=aB-_9')
  expect(urlAt('2001:db8::7', '/admin', 'x')).toBe('https://[2001:db8::7]/admin#confirm=x')
  expect(tokenIn('#confirm=aB-_9')).toBe('aB-_9')
  expect(tokenIn('#confirm=')).toBeUndefined()
  expect(tokenIn('#other')).toBeUndefined()
})
