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
  public_addresses: [],
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
    public_addresses: ['203.0.113.10', '2001:db8:1::10'],
    proxy: 'http://proxy.example.org:3128',
    proxy_except: ['example.org', '192.0.2.1'],
  }
  for (const settings of [factory, fixed, { ...factory, ipv6: { mode: 'off' as const } }]) {
    expect(settingsOf(fieldsOf(settings), settings.revision)).toEqual(settings)
  }
})

test('what is no address with a prefix is named', () => {
  const fields = fieldsOf(factory)
  for (const address of ['', '192.0.2.7', '192.0.2.7/', '192.0.2.7/24/1', '192.0.2.7/x', '192.0.2.256/24', 'box/24']) {
    expect(settingsOf({ ...fields, ipv4: { mode: 'static', address, gateway: '' } }, 0)).toEqual({
      wrong: 'ipv4.address',
    })
    expect(settingsOf({ ...fields, ipv6: { mode: 'static', address, gateway: '' } }, 0)).toEqual({
      wrong: 'ipv6.address',
    })
  }
  expect(settingsOf({ ...fields, vlan: 'x' }, 0)).toEqual({ wrong: 'vlan' })
})

test('an address is told from what is none before the box is asked', () => {
  const fields = fieldsOf(factory)
  const good = ['192.0.2.7', '0.0.0.0', '2001:db8::7', '::', 'fe80::1', '::ffff:192.0.2.7']
  const bad = [
    '192.0.2',
    '192.0.2.256',
    '192.0.2.07',
    '1.2.3.4.5',
    'dns.example.org',
    '2001:db8',
    ':::',
    '2001:db8::g',
    '::1]',
  ]
  for (const address of good) {
    expect(settingsOf({ ...fields, dns: address, publicAddresses: address }, 0)).toMatchObject({ dns: [address] })
  }
  for (const address of bad) {
    expect(settingsOf({ ...fields, dns: address }, 0), address).toEqual({ wrong: 'dns' })
    expect(settingsOf({ ...fields, publicAddresses: address }, 0)).toEqual({ wrong: 'public_addresses' })
  }
  const router = (ipv4: string, ipv6: string) =>
    settingsOf(
      {
        ...fields,
        ipv4: { mode: 'static', address: '192.0.2.7/24', gateway: ipv4 },
        ipv6: { mode: 'static', address: '2001:db8::7/64', gateway: ipv6 },
      },
      0,
    )
  expect(router('192.0.2.1', 'fe80::1')).not.toHaveProperty('wrong')
  expect(router('fe80::1', '')).toEqual({ wrong: 'ipv4.gateway' })
  expect(router('', '192.0.2.1')).toEqual({ wrong: 'ipv6.gateway' })
})

test('the new address bears the token behind its hash', () => {
  expect(urlAt('192.0.2.7', '/setup', 'aB-_9')).toBe('https://192.0.2.7/setup#confirm=aB-_9')
  expect(urlAt('2001:db8::7', '/admin', 'x')).toBe('https://[2001:db8::7]/admin#confirm=x')
  expect(tokenIn('#confirm=aB-_9')).toBe('aB-_9')
  expect(tokenIn('#confirm=')).toBeUndefined()
  expect(tokenIn('#other')).toBeUndefined()
})
