// Who is shown where: which tiles are large, which stand beside them, which wait in the strip.

import type { Person } from '../generated/protocol'

export type TileSource = 'camera' | 'screen'

export interface TileRef {
  person: number
  source: TileSource
}

export const layouts = ['auto', 'gallery', 'speaker', 'focus'] as const
/**
 * - `auto`: the gallery; a shared screen or a pinned tile takes the stage.
 * - `gallery`: everybody in the same size; the pinned ones stay on every page.
 * - `speaker`: who speaks is large.
 * - `focus`: only what is shared or pinned, as large as it goes; no strip.
 */
export type Layout = (typeof layouts)[number]

export function isLayout(text: string | undefined): text is Layout {
  return layouts.some((layout) => layout === text)
}

export interface Scene {
  layout: Layout
  people: Pick<Person, 'id' | 'sources'>[]
  you: number | undefined
  pins: TileRef[]
  /** Who is speaking, or spoke last. */
  speaker: number | undefined
  /** Whether the own tile is shown; a person alone always sees it. */
  selfView: boolean
}

export interface Arrangement {
  /** The large tiles. In a gallery: everybody. */
  stage: TileRef[]
  /** Pinned cameras beside shared screens. */
  beside: TileRef[]
  /** The others, small. */
  strip: TileRef[]
  /** Shown on every page of a gallery. */
  fixed: TileRef[]
  gallery: boolean
}

export function tileKey({ person, source }: TileRef): string {
  return `${person}:${source}`
}

export function sameTile(a: TileRef, b: TileRef): boolean {
  return a.person === b.person && a.source === b.source
}

export function arrange(scene: Scene): Arrangement {
  const { layout, you, speaker } = scene
  const selfView = scene.selfView || scene.people.length <= 1
  const screens: TileRef[] = scene.people
    .filter(({ sources }) => sources.includes('screen'))
    .map(({ id }) => ({ person: id, source: 'screen' }))
  const cameras: TileRef[] = inOrder(scene.people, you)
    .filter((id) => selfView || id !== you)
    .map((id) => ({ person: id, source: 'camera' }))
  const all = [...screens, ...cameras]
  // A pin of somebody who has left, or has stopped sharing, waits for them to come back.
  const pins = scene.pins.filter((pin) => all.some((tile) => sameTile(tile, pin)))

  if (layout === 'gallery') return gallery(all, pins)

  const content = [...screens, ...pins.filter(({ source }) => source === 'camera')]
  if (layout === 'auto' && content.length === 0) return gallery(all, pins)

  const large = content.length > 0 ? content : speakerTile(cameras, speaker, you)
  const rest = without(all, large)
  const strip = layout === 'focus' ? [] : layout === 'speaker' ? first(rest, speaker) : rest
  const stage = screens.length > 0 ? screens : large
  return { stage, beside: without(large, stage), strip, fixed: [], gallery: false }
}

function gallery(all: TileRef[], pins: TileRef[]): Arrangement {
  return { stage: without(all, pins), beside: [], strip: [], fixed: pins, gallery: true }
}

/** Oneself first, then by the order of joining, those with a picture before those without. */
function inOrder(people: Scene['people'], you: number | undefined): number[] {
  const rank = ({ id, sources }: Scene['people'][number]) => (id === you ? 0 : sources.includes('camera') ? 1 : 2)
  return [...people].sort((a, b) => rank(a) - rank(b) || a.id - b.id).map(({ id }) => id)
}

function speakerTile(cameras: TileRef[], speaker: number | undefined, you: number | undefined): TileRef[] {
  const found =
    cameras.find(({ person }) => person === speaker) ?? cameras.find(({ person }) => person !== you) ?? cameras[0]
  return found ? [found] : []
}

function without(tiles: TileRef[], taken: TileRef[]): TileRef[] {
  return tiles.filter((tile) => !taken.some((other) => sameTile(tile, other)))
}

function first(tiles: TileRef[], person: number | undefined): TileRef[] {
  const isFirst = (tile: TileRef) => tile.person === person && tile.source === 'camera'
  return [...tiles.filter(isFirst), ...tiles.filter((tile) => !isFirst(tile))]
}
