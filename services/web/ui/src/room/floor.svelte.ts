// Who has the floor, for the speaker view: calm, not every cough.

import type { RoomView } from './view.svelte'

/** Somebody has to be the loudest for so long. */
const TAKES = 1_200

export function followFloor(view: RoomView): void {
  const { meeting } = view
  const loudest = $derived(meeting.speakers.find(({ person }) => person !== meeting.you)?.person)
  $effect(() => {
    if (loudest === undefined || loudest === view.floor) return
    const next = loudest
    const nobodyYet = view.floor === undefined || !meeting.people.has(view.floor)
    const timer = setTimeout(() => (view.floor = next), nobodyYet ? 0 : TAKES)
    return () => clearTimeout(timer)
  })
}
