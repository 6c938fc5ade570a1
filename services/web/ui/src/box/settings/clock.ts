// Hours of the day, which the box counts in UTC.

import { m } from '../../paraglide/messages'

const DAY = 24 * 60
const SPAN = /^([01]?\d|2[0-3]):([0-5]\d)(?:\s*-\s*([01]?\d|2[0-3]):([0-5]\d))?$/

/**
 * As the clock on the wall shows `text`, 02:00 or 01:00-03:30 in UTC. Undefined for what is no time, and where the wall
 * shows UTC. `offset`: minutes that the wall is ahead, today's without.
 */
export function onTheWall(text: string, offset = -new Date().getTimezoneOffset()): string | undefined {
  const found = SPAN.exec(text.trim())
  if (!found || offset === 0) return undefined
  const [, hour, minute, toHour, toMinute] = found
  const from = shifted(hour, minute, offset)
  return toHour === undefined ? from : `${from}–${shifted(toHour, toMinute, offset)}`
}

/** A field's hint, with what is typed there. */
export function withWall(hint: string, text: string): string {
  const time = onTheWall(text)
  return time ? `${hint} ${m.box_time_here({ time })}` : hint
}

function shifted(hour = '0', minute = '0', offset: number): string {
  const minutes = (Number(hour) * 60 + Number(minute) + offset + DAY) % DAY
  const two = (number: number) => String(number).padStart(2, '0')
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}
