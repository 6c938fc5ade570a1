/** Does `work` every so many milliseconds, unless nobody sees the page; gives what ends it, as onMount takes it. */
export function whileSeen(work: () => void, every: number): () => void {
  const timer = setInterval(() => document.hidden || work(), every)
  return () => clearInterval(timer)
}
