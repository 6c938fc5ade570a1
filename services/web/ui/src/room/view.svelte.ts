// What the user has arranged in the room: layout, pins, page, panel, open dialogs. None of it is shared.

import { createContext } from 'svelte'
import type { DeviceProblem } from '../devices/problems'
import { recall, remember } from '../lib/remember'
import { type Arrangement, arrange, isLayout, type Layout, sameTile, type TileRef } from './arrange'
import { type Placement, place } from './place'
import type { DevicesView, MeetingView } from './types'

export type Panel = 'people' | 'chat'

/** Something that opens beside a tile or a row: about whom, and at which button. */
export interface Anchored {
  tile: TileRef
  anchor: HTMLElement
}

export class RoomView {
  layout = $state<Layout>('auto')
  pins = $state.raw<TileRef[]>([])
  page = $state(0)
  panel = $state<Panel | undefined>()
  selfView = $state(recall('selfView') !== 'hidden')
  pushToTalk = $state(recall('pushToTalk') !== 'off')
  /** What is written and not sent survives closing the panel. */
  draft = $state('')
  /** The newest message that has been seen. */
  readUpTo = $state(0)
  width = $state(0)
  height = $state(0)

  menu = $state.raw<Anchored | undefined>()
  quality = $state.raw<Anchored | undefined>()
  dialog = $state<'invite' | 'shortcuts' | 'end' | 'devices' | undefined>()
  removing = $state.raw<{ id: number; name: string } | undefined>()
  problem = $state.raw<DeviceProblem | undefined>()

  /** Who has the floor: changes when somebody has been the loudest for a moment. */
  floor = $state<number | undefined>()
  readonly speaking = $derived.by(() => new Set(this.meeting.speakers.map(({ person }) => person)))

  readonly arrangement: Arrangement = $derived.by(() =>
    arrange({
      layout: this.layout,
      people: [...this.meeting.people.values()],
      you: this.meeting.you,
      pins: this.pins,
      speaker: this.floor,
      selfView: this.selfView,
    }),
  )
  readonly placement: Placement = $derived.by(() => place(this.arrangement, this.width, this.height, this.page))

  readonly unread = $derived.by(() => {
    const { chat, you } = this.meeting
    return chat.filter(({ id, person }) => id > this.readUpTo && person !== you).length
  })
  readonly alone = $derived.by(() => this.meeting.people.size <= 1)

  constructor(
    readonly meeting: MeetingView,
    readonly devices: DevicesView,
  ) {
    const layout = recall('layout')
    if (isLayout(layout)) this.layout = layout
    // What was said before one came in is not news.
    this.readUpTo = meeting.chat.at(-1)?.id ?? 0
  }

  chooseLayout(layout: Layout): void {
    this.layout = layout
    this.page = 0
    remember('layout', layout)
  }

  turnPage(by: number): void {
    const { page, pages } = this.placement
    this.page = Math.min(Math.max(0, page + by), pages - 1)
  }

  isPinned(tile: TileRef): boolean {
    return this.pins.some((pin) => sameTile(pin, tile))
  }

  togglePin(tile: TileRef): void {
    this.pins = this.isPinned(tile) ? this.pins.filter((pin) => !sameTile(pin, tile)) : [...this.pins, tile]
  }

  togglePanel(panel: Panel): void {
    this.panel = this.panel === panel ? undefined : panel
  }

  showSelf(shown: boolean): void {
    this.selfView = shown
    remember('selfView', shown ? undefined : 'hidden')
  }

  usePushToTalk(used: boolean): void {
    this.pushToTalk = used
    remember('pushToTalk', used ? undefined : 'off')
  }

  readChat(): void {
    this.readUpTo = this.meeting.chat.at(-1)?.id ?? this.readUpTo
  }

  nameOf(person: number): string {
    return this.meeting.people.get(person)?.name ?? ''
  }

  /** Switches a device; if it does not work, a dialog says why and what to do. */
  async toggle(source: 'microphone' | 'camera' | 'screen'): Promise<void> {
    const { meeting } = this
    const on = !meeting[source].on
    if (source === 'microphone') await meeting.setMicrophone(on)
    else if (source === 'camera') await meeting.setCamera(on)
    else await meeting.shareScreen(on)
    if (on && !meeting[source].on) this.problem = meeting[source].problem
  }

  toggleHand(): void {
    this.meeting.setHand(!this.handRaised)
  }

  get handRaised(): boolean {
    const { hands, you } = this.meeting
    return you !== undefined && hands.includes(you)
  }
}

export const [getView, setView] = createContext<RoomView>()
