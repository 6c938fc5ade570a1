/** What `ask` finds out, unless `shown` has changed meanwhile: the answer to an order is newer. */
export async function newest<T>(shown: () => T, ask: () => Promise<T>): Promise<T> {
  const before = shown()
  const found = await ask()
  const now = shown()
  return now === before ? found : now
}
