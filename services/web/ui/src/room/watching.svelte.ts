// Tells the meeting which pictures this page really shows, and how large: only those are sent to us.

import type { Tile } from '../generated/protocol'
import type { RoomView } from './view.svelte'

/** A page in the background needs no pictures; a short look elsewhere costs nothing. */
const HIDDEN_FOR = 10_000

export function watchTiles(view: RoomView): void {
  let hidden = $state(false)

  $effect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const changed = () => {
      clearTimeout(timer)
      if (document.visibilityState === 'visible') hidden = false
      else timer = setTimeout(() => (hidden = true), HIDDEN_FOR)
    }
    document.addEventListener('visibilitychange', changed)
    return () => {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', changed)
    }
  })

  $effect(() => {
    view.meeting.watch(hidden ? [] : shownTiles(view))
  })
}

function shownTiles({ placement, meeting, speaking }: RoomView): Tile[] {
  const scale = window.devicePixelRatio || 1
  const importance = (tile: Tile) => (tile.source === 'screen' ? 2 : 0) + (speaking.has(tile.person) ? 1 : 0)
  return placement.tiles
    .filter(({ tile }) => tile.person !== meeting.you && meeting.people.get(tile.person)?.sources.includes(tile.source))
    .map(({ tile, width, height }) => ({
      ...tile,
      width: Math.round(width * scale),
      height: Math.round(height * scale),
    }))
    .sort((a, b) => importance(b) - importance(a) || b.width * b.height - a.width * a.height)
}
