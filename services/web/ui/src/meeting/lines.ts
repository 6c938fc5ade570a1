// The m-lines of an offer: what is sent, what is received, and with which codecs.

import type { Line, Source } from '../generated/protocol'

/** In this order at the head of every offer; the receive slots follow. */
export const SOURCES: readonly Source[] = ['microphone', 'camera', 'screen', 'screen_audio']

/** The three loudest, and one to spare for the sound of a shared screen. */
export const AUDIO_SLOTS = 4
/** The first offer stays small; more slots come in steps, each one costs a renegotiation. */
const VIDEO_STEPS = [6, 9, 12, 16, 20, 25, 30, 36, 42, 49]

export function videoSlotsFor(tiles: number): number {
  return VIDEO_STEPS.find((step) => step >= tiles) ?? 49
}

/**
 * Lowest first, as Firefox wants them. The top layer needs well over 1.5 Mbit/s: below that Firefox
 * never sends it under transport-cc.
 */
const CAMERA_LAYERS: RTCRtpEncodingParameters[] = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 2_500_000 },
]
/** Text has to stay sharp in 1080p, and scrolling smooth. */
const SCREEN_LAYER: RTCRtpEncodingParameters = { maxBitrate: 4_000_000, maxFramerate: 30 }

/** Adds one sender; its track comes later by `replaceTrack`, so nothing has to be renegotiated then. */
export function addSender(connection: RTCPeerConnection, source: Source): RTCRtpTransceiver {
  const audio = source === 'microphone' || source === 'screen_audio'
  const init: RTCRtpTransceiverInit = { direction: 'sendonly' }
  if (source === 'camera') init.sendEncodings = CAMERA_LAYERS.map((layer) => ({ ...layer }))
  if (source === 'screen') init.sendEncodings = [{ ...SCREEN_LAYER }]
  return prefer(connection.addTransceiver(audio ? 'audio' : 'video', init))
}

export function addSlot(connection: RTCPeerConnection, kind: 'audio' | 'video'): RTCRtpTransceiver {
  return prefer(connection.addTransceiver(kind, { direction: 'recvonly' }))
}

/** Everything a browser offers by itself makes an offer of 120 kB; the first of each kind is enough. */
const WANTED: readonly RegExp[] = [
  /^audio\/opus$/i,
  /^video\/VP8$/i,
  /^video\/VP9$/i,
  /^video\/H264$/i,
  /^video\/AV1$/i,
  /^video\/rtx$/i,
]

type Codec = Pick<RTCRtpCodec, 'mimeType' | 'sdpFmtpLine'>

/** VP8 first: every browser sends and receives it, in three layers. */
export function chosenCodecs<T extends Codec>(capabilities: readonly T[]): T[] {
  return WANTED.flatMap((wanted) => {
    const codecs = capabilities.filter((codec) => wanted.test(codec.mimeType))
    const usual = codecs.find((codec) => isUsualProfile(codec)) ?? codecs[0]
    return usual === undefined ? [] : [usual]
  })
}

/** VP9 with 8 bits; H.264 constrained baseline in packetization mode 1 (RFC 6184), which everyone has. */
function isUsualProfile({ mimeType, sdpFmtpLine = '' }: Codec): boolean {
  if (/VP9/i.test(mimeType)) return /profile-id=0/.test(sdpFmtpLine)
  if (/H264/i.test(mimeType))
    return /profile-level-id=42e0/i.test(sdpFmtpLine) && /packetization-mode=1/.test(sdpFmtpLine)
  return true
}

const preferences = new Map<string, RTCRtpCodec[]>()

function prefer(transceiver: RTCRtpTransceiver): RTCRtpTransceiver {
  const { kind } = transceiver.receiver.track
  const codecs = preferences.get(kind) ?? chosenCodecs(RTCRtpReceiver.getCapabilities?.(kind)?.codecs ?? [])
  preferences.set(kind, codecs)
  if (codecs.length > 0 && 'setCodecPreferences' in transceiver) transceiver.setCodecPreferences(codecs)
  return transceiver
}

/**
 * Every m-line's use. Their order is the order in which the transceivers were added (RFC 8829, section
 * 5.2.1), because none is ever stopped.
 */
export function linesOf(sdp: string): Line[] {
  return [...sdp.matchAll(/^a=mid:(\S+)/gm)].map(([, mid = ''], index) => ({ mid, use: SOURCES[index] ?? 'slot' }))
}
