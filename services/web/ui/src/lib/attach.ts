// Attachments for elements.

import type { Attachment } from 'svelte/attachments'

/** Shows a stream in a <video>. */
export function picture(stream: MediaStream | undefined): Attachment<HTMLVideoElement> {
  return (video) => {
    video.srcObject = stream ?? null
    // Muted pictures may always play; an interrupted start is followed by the next one.
    if (stream) video.play().catch(() => {})
    return () => {
      video.srcObject = null
    }
  }
}
