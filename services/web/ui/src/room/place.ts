// Where each tile lies, in CSS pixels from the stage's start corner.

import { type Arrangement, type TileRef, tileKey } from './arrange'

export interface Box {
  x: number
  y: number
  width: number
  height: number
}

export interface PlacedTile extends Box {
  key: string
  tile: TileRef
  /** Small tiles leave out what does not fit. */
  small: boolean
}

export interface Placement {
  tiles: PlacedTile[]
  page: number
  pages: number
  /** Where the buttons for the pages go, if there are several. */
  pager: Box | undefined
  /** Tiles that are on other pages. */
  hidden: TileRef[]
}

const GAP = 8
const PAGER = 44
/** In a row below the stage: two buttons and a number side by side. */
const ROW_PAGER = 128
/** Pictures from 4:3 to 16:9 fill their tile; the rest is cut off at the edges. */
const NARROWEST = 4 / 3
const WIDEST = 16 / 9
/** 25 pictures are as many as people follow, and as receive slots are planned for. */
const MOST_TILES = 25

export interface Grid {
  columns: number
  rows: number
  width: number
  height: number
}

/** The largest equal tiles of which `count` fit into the box. */
export function fitGrid(box: { width: number; height: number }, count: number, narrowest = NARROWEST): Grid {
  let best: Grid = { columns: 1, rows: 1, width: 0, height: 0 }
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns)
    const cellWidth = (box.width - GAP * (columns - 1)) / columns
    const cellHeight = (box.height - GAP * (rows - 1)) / rows
    if (cellWidth <= 0 || cellHeight <= 0) continue
    const width = Math.floor(Math.min(cellWidth, cellHeight * WIDEST))
    const height = Math.floor(Math.min(cellHeight, width / narrowest))
    if (width * height > best.width * best.height) best = { columns, rows, width, height }
  }
  return best
}

/** How many tiles go onto one page, so that faces stay recognisable. */
function pageSize(box: Box, count: number, narrowest: number): number {
  const smallest = box.width < 600 ? 132 : 190
  for (let size = Math.min(count, MOST_TILES); size > 1; size--) {
    const grid = fitGrid(box, size, narrowest)
    if (grid.width >= smallest && grid.height >= (smallest * 9) / 16) return size
  }
  return 1
}

export function place(arrangement: Arrangement, width: number, height: number, page: number): Placement {
  const whole: Box = { x: 0, y: 0, width, height }
  if (width <= 0 || height <= 0) return { tiles: [], page: 0, pages: 1, pager: undefined, hidden: [] }
  return arrangement.gallery ? placeGallery(arrangement, whole, page) : placeStage(arrangement, whole, page)
}

function placeGallery({ stage, fixed }: Arrangement, box: Box, wanted: number): Placement {
  const count = stage.length + fixed.length
  // Phones held upright: squarer tiles use the space better.
  const narrowest = box.height > box.width ? 1 : NARROWEST
  let size = pageSize(box, count, narrowest)
  if (size >= count) {
    return {
      tiles: placeGrid([...fixed, ...stage], box, count, narrowest),
      page: 0,
      pages: 1,
      pager: undefined,
      hidden: [],
    }
  }
  const inner = { ...box, height: box.height - PAGER }
  size = Math.max(pageSize(inner, count, narrowest), Math.min(fixed.length + 1, MOST_TILES))
  const turning = Math.max(1, size - fixed.length)
  const { page, pages, shown, hidden } = turnPages(stage, turning, wanted)
  const tiles = placeGrid([...fixed, ...shown], inner, size, narrowest)
  return { tiles, page, pages, pager: bottom(box), hidden }
}

function placeStage({ stage, beside, strip }: Arrangement, box: Box, wanted: number): Placement {
  if (strip.length === 0) {
    return { tiles: placeLarge(stage, beside, box), page: 0, pages: 1, pager: undefined, hidden: [] }
  }
  const upright = box.width < box.height * 1.35
  const { main, rest } = upright ? splitBelow(box) : splitAside(box)
  const along = upright ? rest.width : rest.height
  const smallWidth = upright ? Math.floor(rest.height * WIDEST) : rest.width
  const smallHeight = upright ? rest.height : Math.floor(rest.width / WIDEST)
  const step = (upright ? smallWidth : smallHeight) + GAP
  const fitting = (space: number) => Math.max(1, Math.floor((space + GAP) / step))
  const single = strip.length <= fitting(along)
  const pagerLength = upright ? ROW_PAGER : PAGER
  const size = single ? strip.length : fitting(along - pagerLength - GAP)
  const { page, pages, shown, hidden } = turnPages(strip, size, wanted)
  const used = shown.length * step - GAP
  // A row stands in the middle, a column at the top.
  const start = upright && single ? Math.max(0, Math.floor((rest.width - used) / 2)) : 0
  const small = shown.map((tile, index) => ({
    key: tileKey(tile),
    tile,
    small: true,
    x: rest.x + (upright ? start + index * step : 0),
    y: rest.y + (upright ? 0 : index * step),
    width: Math.min(smallWidth, rest.width),
    height: smallHeight,
  }))
  const pager = single
    ? undefined
    : upright
      ? { x: rest.x + rest.width - pagerLength, y: rest.y, width: pagerLength, height: rest.height }
      : bottom(rest)
  return { tiles: [...placeLarge(stage, beside, main), ...small], page, pages, pager, hidden }
}

function splitAside(box: Box): { main: Box; rest: Box } {
  const width = Math.round(Math.min(Math.max(box.width * 0.16, 150), 300))
  const x = box.width - width
  return {
    main: { ...box, width: x - GAP },
    rest: { x, y: 0, width, height: box.height },
  }
}

function splitBelow(box: Box): { main: Box; rest: Box } {
  // Two pictures and the buttons for the pages go side by side even on a phone.
  const most = ((box.width - ROW_PAGER - 2 * GAP) / 2 / 16) * 9
  const height = Math.round(Math.min(Math.max(Math.min(box.height * 0.16, most), 60), 180))
  const y = box.height - height
  return {
    main: { ...box, height: y - GAP },
    rest: { x: 0, y, width: box.width, height },
  }
}

/** What is shared or pinned; pinned cameras stand beside a shared screen, smaller than it. */
function placeLarge(stage: TileRef[], beside: TileRef[], box: Box): PlacedTile[] {
  if (beside.length === 0) return placeGrid(stage, box, stage.length, stageShape(stage, box))
  if (box.width > box.height * 1.2) {
    const width = Math.round(box.width * 0.26)
    const main = { ...box, width: box.width - width - GAP }
    return [
      ...placeGrid(stage, main, stage.length, stageShape(stage, main)),
      ...placeGrid(beside, { ...box, x: box.x + main.width + GAP, width }, beside.length, NARROWEST),
    ]
  }
  const height = Math.round(box.height * 0.34)
  const main = { ...box, height: box.height - height - GAP }
  return [
    ...placeGrid(stage, main, stage.length, stageShape(stage, main)),
    ...placeGrid(beside, { ...box, y: box.y + main.height + GAP, height }, beside.length, 1),
  ]
}

/** Screens are wide: a squarer tile would only have bars above and below. */
function stageShape(stage: TileRef[], box: Box): number {
  if (stage.every(({ source }) => source === 'screen')) return WIDEST
  return box.height > box.width ? 0.75 : NARROWEST
}

/** Lays tiles into rows, each row in the middle; `room` is how many the grid is made for. */
function placeGrid(tiles: TileRef[], box: Box, room: number, narrowest: number): PlacedTile[] {
  if (tiles.length === 0) return []
  const grid = fitGrid(box, Math.max(room, tiles.length), narrowest)
  const usedHeight = grid.rows * (grid.height + GAP) - GAP
  const top = box.y + Math.max(0, Math.floor((box.height - usedHeight) / 2))
  return tiles.map((tile, index) => {
    const row = Math.floor(index / grid.columns)
    // On the last page of several the rows begin where those of the other pages do.
    const inRow = room > tiles.length ? grid.columns : Math.min(grid.columns, tiles.length - row * grid.columns)
    const usedWidth = inRow * (grid.width + GAP) - GAP
    const start = box.x + Math.max(0, Math.floor((box.width - usedWidth) / 2))
    return {
      key: tileKey(tile),
      tile,
      small: grid.width < 180,
      x: start + (index % grid.columns) * (grid.width + GAP),
      y: top + row * (grid.height + GAP),
      width: grid.width,
      height: grid.height,
    }
  })
}

function turnPages(tiles: TileRef[], size: number, wanted: number) {
  const pages = Math.max(1, Math.ceil(tiles.length / size))
  const page = Math.min(Math.max(0, wanted), pages - 1)
  const from = page * size
  const shown = tiles.slice(from, from + size)
  return { page, pages, shown, hidden: [...tiles.slice(0, from), ...tiles.slice(from + size)] }
}

function bottom(box: Box): Box {
  return { x: box.x, y: box.y + box.height - PAGER + GAP, width: box.width, height: PAGER - GAP }
}
