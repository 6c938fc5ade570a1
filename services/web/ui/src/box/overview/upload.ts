// An update from this computer, on its way to the box.

import type { UpdatePart, UpdateState } from '../../generated/protocol'
import { base64 } from '../backup/files'

/** A line of 1 Mbit/s takes half a minute for it. */
const PART_BYTES = 2 << 20

/** Part by part; `told` gets the state after each. The box refuses what is no update after the first ones. */
export async function sendUpdate(
  send: (part: UpdatePart) => Promise<UpdateState>,
  file: Blob,
  told: (state: UpdateState) => void,
): Promise<void> {
  for (let first = 0; first < file.size; first += PART_BYTES) {
    const part = new Uint8Array(await file.slice(first, first + PART_BYTES).arrayBuffer())
    told(await send({ first, of: file.size, part: base64(part) }))
  }
}
