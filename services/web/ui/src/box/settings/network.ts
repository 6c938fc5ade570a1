// What the network form shows and sends.

import type { NetworkSettings } from '../../generated/protocol'
import { listed, words } from './lists'

/** The form's fields: everything that is typed is text. */
export interface NetworkFields {
  ports: string[]
  bond: '' | 'active_backup' | 'lacp'
  vlan: string
  ipv4: AddressFields
  ipv6: AddressFields
  dns: string
  domains: string
  publicAddresses: string
  proxy: string
  proxyExcept: string
}

export interface AddressFields {
  mode: 'automatic' | 'static' | 'off'
  /** With its prefix, as in 192.0.2.7/24. */
  address: string
  gateway: string
}

export function fieldsOf(settings: NetworkSettings): NetworkFields {
  return {
    ports: settings.ports,
    bond: settings.bond ?? '',
    vlan: settings.vlan === null ? '' : String(settings.vlan),
    ipv4: addressOf(settings.ipv4),
    ipv6: addressOf(settings.ipv6),
    dns: listed(settings.dns),
    domains: listed(settings.domains),
    publicAddresses: listed(settings.public_addresses),
    proxy: settings.proxy,
    proxyExcept: listed(settings.proxy_except),
  }
}

function addressOf(settings: NetworkSettings['ipv4'] | NetworkSettings['ipv6']): AddressFields {
  if (settings.mode !== 'static') {
    return { mode: settings.mode === 'off' ? 'off' : 'automatic', address: '', gateway: '' }
  }
  return { mode: 'static', address: `${settings.address}/${settings.prefix}`, gateway: settings.gateway ?? '' }
}

/** A field of `fields` that cannot be sent, or the settings. */
export function settingsOf(fields: NetworkFields, revision: number): NetworkSettings | { wrong: string } {
  const v4 = staticOf(fields.ipv4, 'ipv4')
  if (v4 && 'wrong' in v4) return v4
  const v6 = staticOf(fields.ipv6, 'ipv6')
  if (v6 && 'wrong' in v6) return v6
  const vlan = fields.vlan.trim()
  if (vlan !== '' && !/^\d{1,4}$/.test(vlan)) return { wrong: 'vlan' }
  const [dns, publicAddresses] = [words(fields.dns), words(fields.publicAddresses)]
  if (!dns.every(isAddress)) return { wrong: 'dns' }
  if (!publicAddresses.every(isAddress)) return { wrong: 'public_addresses' }
  return {
    revision,
    ports: fields.ports,
    bond: fields.bond === '' ? null : fields.bond,
    vlan: vlan === '' ? null : Number(vlan),
    ipv4: v4 ?? { mode: fields.ipv4.mode === 'off' ? 'off' : 'dhcp' },
    ipv6: v6 ?? { mode: fields.ipv6.mode === 'off' ? 'off' : 'automatic' },
    dns,
    domains: words(fields.domains),
    public_addresses: publicAddresses,
    proxy: fields.proxy.trim(),
    proxy_except: words(fields.proxyExcept),
  }
}

type Static = { mode: 'static'; address: string; prefix: number; gateway: string | null }

function staticOf(fields: AddressFields, name: 'ipv4' | 'ipv6'): Static | { wrong: string } | undefined {
  if (fields.mode !== 'static') return undefined
  const is = name === 'ipv4' ? isV4 : isV6
  const [address, prefix, ...rest] = fields.address.trim().split('/')
  if (!address || !is(address) || !prefix || rest.length > 0 || !/^\d{1,2}$|^1[01]\d$|^12[0-8]$/.test(prefix)) {
    return { wrong: `${name}.address` }
  }
  const gateway = fields.gateway.trim()
  if (gateway !== '' && !is(gateway)) return { wrong: `${name}.gateway` }
  return { mode: 'static', address, prefix: Number(prefix), gateway: gateway === '' ? null : gateway }
}

const isAddress = (text: string) => isV4(text) || isV6(text)

/** Four numbers without leading zeros, which some would read as octal. */
function isV4(text: string): boolean {
  const numbers = text.split('.')
  return numbers.length === 4 && numbers.every((it) => /^(0|[1-9]\d{0,2})$/.test(it) && Number(it) <= 255)
}

const isV6 = (text: string) => text.includes(':') && URL.canParse(`https://[${text}]`)

/** The page under another address; an IPv6 address stands in brackets. */
export function urlAt(address: string, path: string, token: string): string {
  const host = address.includes(':') ? `[${address}]` : address
  return `https://${host}${path}#confirm=${token}`
}

/** The token of such a page's address. */
export function tokenIn(hash: string): string | undefined {
  return /^#confirm=([A-Za-z0-9_-]+)$/.exec(hash)?.[1]
}
