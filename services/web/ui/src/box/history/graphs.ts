// Which series stand in one graph, and how their values are written.

import type { HistoryKind } from '../../generated/protocol'
import { language } from '../../lib/language.svelte'
import { m } from '../../paraglide/messages'

export interface Graph {
  id: string
  name: () => string
  lines: { kind: HistoryKind; name: () => string }[]
  /** The top of the graph is not lower than this. */
  least: number
  write: (value: number) => string
}

const number = (value: number, digits: number) =>
  new Intl.NumberFormat(language.current, { maximumFractionDigits: digits }).format(value)
const percent = (value: number) => `${number(value, value < 10 ? 1 : 0)}\u00a0%`
const count = (value: number) => number(value, value < 10 ? 1 : 0)

const UNITS = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s']

export function bitrate(value: number): string {
  const unit = Math.min(Math.max(Math.floor(Math.log10(Math.max(value, 1)) / 3), 0), UNITS.length - 1)
  const scaled = value / 1_000 ** unit
  return `${number(scaled, scaled < 10 ? 1 : 0)}\u00a0${UNITS[unit]}`
}

export const GRAPHS: Graph[] = [
  {
    id: 'cpu',
    name: m.history_cpu,
    lines: [{ kind: 'cpu', name: m.history_cpu }],
    least: 100,
    write: percent,
  },
  {
    id: 'network',
    name: m.history_network,
    lines: [
      { kind: 'network_in', name: m.history_in },
      { kind: 'network_out', name: m.history_out },
    ],
    least: 1_000_000,
    write: bitrate,
  },
  {
    id: 'people',
    name: m.history_meetings_people,
    lines: [
      { kind: 'people', name: m.history_people },
      { kind: 'meetings', name: m.history_meetings },
    ],
    least: 10,
    write: count,
  },
  {
    id: 'packets',
    name: m.history_packets,
    lines: [
      { kind: 'packets_in', name: m.history_in },
      { kind: 'packets_out', name: m.history_out },
    ],
    least: 100,
    write: (value) => m.history_per_second({ count: count(value) }),
  },
  {
    id: 'loss',
    name: m.history_loss,
    lines: [{ kind: 'loss', name: m.history_loss }],
    least: 5,
    write: percent,
  },
  {
    id: 'disk',
    name: m.history_disk,
    lines: [{ kind: 'disk', name: m.history_disk }],
    least: 100,
    write: percent,
  },
]
