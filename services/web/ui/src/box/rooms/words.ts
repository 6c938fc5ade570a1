// What the page says of a room.

import type { RoomSummary } from '../../generated/protocol'
import { language } from '../../lib/language.svelte'
import { m } from '../../paraglide/messages'

export function titleText(room: RoomSummary): string {
  return room.title || m.rooms_untitled()
}

export function stateText(room: RoomSummary): string {
  switch (room.state) {
    case 'running':
      return m.rooms_people({ count: room.people })
    case 'ended':
      return m.rooms_ended()
    case 'empty':
      return m.rooms_empty()
  }
}

export function timesText(room: RoomSummary): string {
  const format = (zone?: string) => new Intl.DateTimeFormat(language.current, { dateStyle: 'medium', timeZone: zone })
  // These are days, not moments.
  const day = (midnight: number) => format('UTC').format(midnight)
  const times = [m.rooms_created({ day: format().format(room.created) })]
  if (typeof room.last_used === 'number') times.push(m.rooms_last_used({ day: day(room.last_used) }))
  if (typeof room.deleted_on === 'number') times.push(m.rooms_deleted_on({ day: day(room.deleted_on) }))
  return times.join(' · ')
}
