import { describe, expect, test } from 'vitest'
import { type Arrangement, arrange, type Scene, type TileRef, tileKey } from './arrange'
import { fitGrid, type PlacedTile, place } from './place'

const camera = (person: number): TileRef => ({ person, source: 'camera' })
const screen = (person: number): TileRef => ({ person, source: 'screen' })
const keys = (tiles: TileRef[]) => tiles.map(tileKey)

function scene(count: number, change: Partial<Scene> = {}): Scene {
  const people = Array.from({ length: count }, (_, index) => ({ id: index + 1, sources: ['camera' as const] }))
  return { layout: 'auto', people, you: 1, pins: [], speaker: undefined, selfView: true, ...change }
}

function overlap(a: PlacedTile, b: PlacedTile): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

describe('arrange', () => {
  test('the gallery shows everybody once, oneself first', () => {
    expect(keys(arrange(scene(3, { you: 2 })).stage)).toEqual(['2:camera', '1:camera', '3:camera'])
  })

  test('people with a picture come before people without', () => {
    const people = [1, 2, 3, 4].map((id) => ({ id, sources: id === 4 ? ['camera' as const] : [] }))
    expect(keys(arrange(scene(4, { people })).stage)).toEqual(['1:camera', '4:camera', '2:camera', '3:camera'])
  })

  test('a shared screen takes the stage, everybody else the strip', () => {
    const people = [1, 2, 3].map((id) => ({ id, sources: id === 2 ? ['screen' as const] : [] }))
    const { stage, strip, gallery } = arrange(scene(3, { people }))
    expect(gallery).toBe(false)
    expect(keys(stage)).toEqual(['2:screen'])
    expect(keys(strip)).toEqual(['1:camera', '2:camera', '3:camera'])
  })

  test('a pinned sign interpreter stays beside the shared screen', () => {
    const people = [1, 2, 3].map((id) => ({ id, sources: id === 2 ? ['screen' as const] : [] }))
    for (const layout of ['auto', 'speaker', 'focus'] as const) {
      const { stage, beside } = arrange(scene(3, { people, layout, pins: [camera(3)] }))
      expect(keys(stage)).toEqual(['2:screen'])
      expect(keys(beside)).toEqual(['3:camera'])
    }
  })

  test('several pins share the stage; pins of people who are gone wait', () => {
    const { stage, strip } = arrange(scene(4, { pins: [camera(4), camera(2), camera(9)] }))
    expect(keys(stage)).toEqual(['4:camera', '2:camera'])
    expect(keys(strip)).toEqual(['1:camera', '3:camera'])
  })

  test('the speaker is large in the speaker layout, somebody else while nobody has spoken', () => {
    expect(keys(arrange(scene(3, { layout: 'speaker', speaker: 3 })).stage)).toEqual(['3:camera'])
    expect(keys(arrange(scene(3, { layout: 'speaker' })).stage)).toEqual(['2:camera'])
    expect(keys(arrange(scene(1, { layout: 'speaker' })).stage)).toEqual(['1:camera'])
  })

  test('the focus has no strip', () => {
    expect(arrange(scene(5, { layout: 'focus', speaker: 2 })).strip).toEqual([])
  })

  test('the own tile can be hidden unless one is alone', () => {
    expect(keys(arrange(scene(2, { selfView: false })).stage)).toEqual(['2:camera'])
    expect(keys(arrange(scene(1, { selfView: false })).stage)).toEqual(['1:camera'])
  })
})

describe('place', () => {
  const sizes = [
    [1440, 760],
    [1090, 700],
    [390, 640],
    [320, 420],
    [640, 200],
    [3840, 1950],
  ] as const

  test('tiles lie within the stage and never on each other, and every page together shows everybody', () => {
    for (const [width, height] of sizes) {
      for (const count of [1, 2, 3, 5, 6, 9, 17, 30, 90]) {
        for (const change of [{}, { layout: 'speaker' as const, speaker: 2 }, { pins: [camera(2), camera(1)] }]) {
          const arrangement = arrange(scene(count, change))
          const seen = new Set<string>()
          let pages = 1
          for (let page = 0; page < pages; page++) {
            const placed = place(arrangement, width, height, page)
            pages = placed.pages
            for (const [index, tile] of placed.tiles.entries()) {
              seen.add(tile.key)
              expect(tile.width).toBeGreaterThan(0)
              expect(tile.x).toBeGreaterThanOrEqual(0)
              expect(tile.y).toBeGreaterThanOrEqual(0)
              expect(tile.x + tile.width).toBeLessThanOrEqual(width)
              expect(tile.y + tile.height).toBeLessThanOrEqual(height)
              for (const other of placed.tiles.slice(index + 1)) expect(overlap(tile, other)).toBe(false)
            }
          }
          expect(seen.size).toBe(count)
        }
      }
    }
  })

  test('no more than 25 on a page, and a page that is gone falls back to the last one', () => {
    const arrangement = arrange(scene(60))
    const placed = place(arrangement, 3840, 1950, 99)
    expect(placed.pages).toBe(3)
    expect(placed.page).toBe(2)
    expect(placed.tiles).toHaveLength(10)
    expect(placed.hidden).toHaveLength(50)
    expect(placed.pager).toBeDefined()
  })

  test('pinned tiles stay on every page of the gallery', () => {
    const arrangement = arrange(scene(60, { layout: 'gallery', pins: [camera(40)] }))
    for (const page of [0, 1, 2]) expect(place(arrangement, 1440, 760, page).tiles[0]?.key).toBe('40:camera')
  })

  test('a shared screen gets most of the stage', () => {
    const people = [1, 2, 3, 4].map((id) => ({ id, sources: id === 2 ? ['screen' as const] : [] }))
    const { tiles } = place(arrange(scene(4, { people, pins: [camera(3)] })), 1440, 760, 0)
    const large = tiles.find(({ key }) => key === tileKey(screen(2)))
    const beside = tiles.find(({ key }) => key === tileKey(camera(3)))
    expect(large?.width).toBeGreaterThan(800)
    expect(beside?.width).toBeGreaterThan(tiles.at(-1)?.width ?? 0)
  })

  test('an empty stage has no tiles', () => {
    const nothing: Arrangement = { stage: [], beside: [], strip: [], fixed: [], gallery: true }
    expect(place(nothing, 800, 600, 0).tiles).toEqual([])
    expect(place(arrange(scene(3)), 0, 0, 0).tiles).toEqual([])
  })
})

test('two pictures stand side by side on a wide stage and above each other on a tall one', () => {
  expect(fitGrid({ width: 1600, height: 700 }, 2).columns).toBe(2)
  expect(fitGrid({ width: 390, height: 700 }, 2).columns).toBe(1)
})
