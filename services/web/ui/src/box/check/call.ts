// A call of this browser with itself, through the box: what a meeting needs, tried for real.

import { createMeeting } from '../../meeting/api'
import { Peer, type Way } from './peer'
import { testPicture } from './picture'

export interface CallResult {
  /** A picture came through. */
  good: boolean
  /** Milliseconds from the beginning until the first picture. */
  time: number
  way: Way | undefined
  /** Why it did not, as the engine names it. */
  reason: string | undefined
}

/** A relay is asked for by the second connection at the earliest. */
const LIMIT = 30_000
const EVERY = 200
/** So many pictures are no accident. */
const FRAMES = 5

/** Through `relay`: the way over the port of the pages. */
export async function testCall(relay: boolean, hostKey: string | undefined): Promise<CallResult> {
  const began = performance.now()
  const meeting = await createMeeting('Test', hostKey)
  const picture = testPicture()
  const sender = new Peer(meeting.host_link, 'A', relay, picture.stream)
  const receiver = new Peer(meeting.guest_link, 'B', relay)
  try {
    sender.start()
    receiver.start()
    while (performance.now() - began < LIMIT) {
      if ((await receiver.frames()) >= FRAMES) {
        return { good: true, time: performance.now() - began, way: await receiver.way(), reason: undefined }
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY))
    }
    return { good: false, time: LIMIT, way: undefined, reason: receiver.failed ?? sender.failed }
  } finally {
    receiver.leave()
    sender.end()
    picture.stop()
  }
}
