// What an administrator does to a room, and what has to be said before.

import type { RoomSummary } from '../../generated/protocol'
import { m } from '../../paraglide/messages'
import type { BoxApi } from '../api'
import { titleText } from './words'

export type RoomOrder = 'replace' | 'end' | 'delete'

interface Words {
  title: string
  text: string
  /** Of the button that does it. */
  action: string
}

export function question(order: RoomOrder, room: RoomSummary): Words {
  const title = titleText(room)
  const count = room.people
  switch (order) {
    case 'replace':
      return { title: m.rooms_replace_title({ title }), text: m.rooms_replace_text(), action: m.rooms_replace() }
    case 'end':
      return { title: m.rooms_end_title({ title }), text: m.rooms_end_text({ count }), action: m.rooms_end() }
    case 'delete': {
      const text = room.state === 'running' ? m.rooms_delete_running_text({ count }) : m.rooms_delete_text()
      return { title: m.rooms_delete_title({ title }), text, action: m.rooms_delete() }
    }
  }
}

/** Gives what to say afterwards. */
export async function carryOut(api: BoxApi, order: RoomOrder, room: string): Promise<string> {
  switch (order) {
    case 'replace':
      await api.replaceGuestLink(room)
      return m.rooms_replaced()
    case 'end':
      return m.rooms_meeting_ended({ count: (await api.endMeeting(room)).people })
    case 'delete':
      await api.deleteRoom(room)
      return m.rooms_deleted()
  }
}
