// Where the values of a series lie in a graph.

/** A round number that nothing exceeds, for the top of the graph: 1, 2 or 5 times a power of ten. */
export function top(values: readonly (number | null)[], least: number): number {
  const most = values.reduce<number>((most, value) => Math.max(most, value ?? 0), least)
  const unit = 10 ** Math.floor(Math.log10(most))
  return ([1, 2, 5, 10].find((times) => times * unit >= most * 0.999) ?? 10) * unit
}

/** The path of an SVG line, with a gap where nothing is known. A value between two gaps is a dot. */
export function line(values: readonly (number | null)[], top: number, width: number, height: number): string {
  const step = width / Math.max(values.length - 1, 1)
  let path = ''
  values.forEach((value, at) => {
    if (value === null) return
    const [x, y] = [at * step, height - (Math.min(value, top) / top) * height]
    const begins = at === 0 || values[at - 1] === null
    path += `${begins ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`
    if (begins && (values[at + 1] ?? null) === null) path += 'h0.1'
  })
  return path
}

/** Mean, highest and last value of what is known. */
export function summary(values: readonly (number | null)[]): { mean: number; most: number; last: number } | undefined {
  const known = values.filter((value) => value !== null)
  const last = known.at(-1)
  if (last === undefined) return undefined
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length
  return { mean, most: Math.max(...known), last }
}

/** Means of `count` spans of the same length, for a table that can be read. */
export function rows(values: readonly (number | null)[], count: number): (number | null)[] {
  const size = Math.ceil(values.length / count)
  return Array.from({ length: Math.ceil(values.length / size) }, (_, row) => {
    return summary(values.slice(row * size, (row + 1) * size))?.mean ?? null
  })
}
