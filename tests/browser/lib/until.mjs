// Waiting for a state that only asking shows; everything that can be awaited as an event is.

/** Milliseconds; a machine is emulated. */
const LIMIT = process.env.PLENUM_MACHINE ? 120_000 : 30_000;

/** Asks until the answer is true or truthy, and gives it. */
export async function until(what, ask, limit = LIMIT, pause = 50) {
  const end = performance.now() + limit;
  let answer;
  do {
    answer = await ask();
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, pause));
  } while (performance.now() < end);
  throw new Error(`not within ${limit} ms: ${what}`);
}
