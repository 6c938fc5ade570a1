// What the meeting reports, in words: as a toast for eyes, in a live region for screen readers.

import type { IconName } from '../components/icons'
import type { Notices, Toast } from '../lib/notices.svelte'
import type { Announcement, RefusedAction } from '../meeting/types'
import { m } from '../paraglide/messages'
import { reactionNames } from './reactions'
import type { RoomView } from './view.svelte'

interface Told {
  text: string
  /** Said before whatever else is waiting to be said. */
  urgent?: boolean
  /** Shown, too; otherwise the screen says it elsewhere already. */
  toast?: Partial<Omit<Toast, 'id' | 'text' | 'icon'>> & { icon?: IconName }
}

/** In large meetings people come and go all the time. */
const MANY_PEOPLE = 30
/** So much of a chat message is told. */
const CHAT_TOLD = 200

const refusals: Record<RefusedAction, () => string> = {
  too_often: m.refused_too_often,
  too_large: m.refused_too_large,
  not_allowed: m.refused_not_allowed,
  no_such_person: m.refused_no_such_person,
  invalid_text: m.refused_invalid_text,
  not_connected: m.refused_not_connected,
  other: m.refused_other,
}

export function announce(item: Announcement, view: RoomView, notices: Notices): void {
  const told = wordsFor(item, view)
  if (told === undefined) return
  const { text, urgent, toast } = told
  if (toast) notices.show(text, { ...toast, urgent })
  else notices.say(text, urgent)
}

function wordsFor(item: Announcement, view: RoomView): Told | undefined {
  switch (item.kind) {
    case 'joined':
      return coming(m.said_joined({ name: item.name }), 'person-add', view)
    case 'left':
      if (item.reason === 'removed') return coming(m.said_removed({ name: item.name }), 'person-remove', view)
      return coming(m.said_left({ name: item.name }), 'door', view)
    case 'interrupted':
      return { text: m.said_interrupted({ name: item.name }) }
    case 'returned':
      return { text: m.said_returned({ name: item.name }) }
    case 'chat':
      return chat(item, view)
    case 'hand_raised': {
      const { own, name, position } = item
      const text = own ? m.said_own_hand({ position }) : m.said_hand({ name, position })
      return { text, toast: { icon: 'hand', group: 'hands' } }
    }
    case 'hand_lowered':
      return { text: item.own ? m.said_own_hand_lowered() : m.said_hand_lowered({ name: item.name }) }
    case 'reaction': {
      const reaction = reactionNames[item.reaction]()
      return { text: item.own ? m.said_own_reaction({ reaction }) : m.said_reaction({ name: item.name, reaction }) }
    }
    case 'muted_by':
      return {
        text: m.said_muted_by({ name: item.name }),
        urgent: true,
        toast: { icon: 'microphone-off', tone: 'warning' },
      }
    case 'microphone':
      return { text: item.on ? m.said_microphone_on() : m.said_microphone_off(), urgent: true }
    case 'camera':
      return { text: item.on ? m.said_camera_on() : m.said_camera_off(), urgent: true }
    case 'screen':
      return { text: item.on ? m.said_screen_on() : m.said_screen_off(), toast: { icon: 'screen', group: 'screen' } }
    case 'screen_of': {
      const { name, on } = item
      const text = on ? m.said_screen_of({ name }) : m.said_screen_of_off({ name })
      return { text, toast: { icon: 'screen', group: 'screen' } }
    }
    case 'device_lost':
      return { text: m.said_device_lost({ device: item.device }), urgent: true, toast: { tone: 'warning' } }
    case 'device_changed': {
      const { device, label } = item
      const text = label ? m.said_device_changed({ device, label }) : m.said_device_default({ device })
      return { text, toast: { tone: 'good', group: device } }
    }
    // What can be seen of these two is in Banner.svelte.
    case 'reconnecting':
      return { text: `${m.banner_reconnecting()} ${m.banner_reconnecting_now()}`, urgent: true }
    case 'media_interrupted':
      return { text: `${m.banner_media_restarting()} ${m.banner_media_restarting_text()}`, urgent: true }
    case 'reconnected':
      return { text: m.said_reconnected(), toast: { tone: 'good' } }
    case 'media_back':
      return { text: m.said_media_back(), toast: { tone: 'good' } }
    case 'action_refused':
      return { text: refusals[item.why](), urgent: true, toast: { tone: 'danger' } }
  }
}

function coming(text: string, icon: IconName, view: RoomView): Told {
  return view.meeting.people.size > MANY_PEOPLE ? { text } : { text, toast: { icon, group: 'coming' } }
}

function chat(item: Extract<Announcement, { kind: 'chat' }>, view: RoomView): Told | undefined {
  if (item.own) return undefined
  const short = item.text.length > CHAT_TOLD ? `${item.text.slice(0, CHAT_TOLD)}…` : item.text
  const text = m.said_chat({ name: item.name, text: short })
  if (view.panel === 'chat') return { text }
  const action = {
    label: m.open_chat(),
    run: () => {
      view.panel = 'chat'
    },
  }
  return { text, toast: { icon: 'chat', group: 'chat', action } }
}
