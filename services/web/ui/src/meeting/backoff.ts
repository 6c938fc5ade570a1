/**
 * Seconds before the attempts to connect again; the last one repeats. A daemon that restarts is back within
 * one or two: the first tries are close together.
 */
const STEPS = [0, 0.5, 0.5, 1, 2, 4, 8, 10]
const LONGEST = 10_000

/**
 * Milliseconds to wait before attempt `attempt` (from 1). Spread by a quarter either way, the first by
 * a fifth of a second, so that a room full of clients does not come back in the same moment.
 */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const step = STEPS[Math.min(attempt, STEPS.length) - 1] ?? 0
  if (step === 0) return random() * 200
  return Math.min(step * 1_000 * (0.75 + random() / 2), LONGEST)
}
