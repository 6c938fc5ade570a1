import { expect, test } from 'vitest'
import { chosenCodecs, linesOf, videoSlotsFor } from './lines'

test('slots grow in steps, and no further than an offer may have m-lines', () => {
  expect([0, 6, 7, 9, 10, 25, 26, 64].map(videoSlotsFor)).toEqual([6, 6, 9, 9, 12, 25, 30, 49])
})

test('the senders come first, in the agreed order, and everything after them is a slot', () => {
  const sdp = ['0', 'one', '2', '3', '4', '5']
    .map((mid) => `m=audio 9 X 111\r\na=mid:${mid}\r\na=rtcp-mux\r\n`)
    .join('')
  expect(linesOf(sdp)).toEqual([
    { mid: '0', use: 'microphone' },
    { mid: 'one', use: 'camera' },
    { mid: '2', use: 'screen' },
    { mid: '3', use: 'screen_audio' },
    { mid: '4', use: 'slot' },
    { mid: '5', use: 'slot' },
  ])
})

test('one codec of each kind is offered, VP8 first, in the profile that everyone has', () => {
  const codec = (mimeType: string, sdpFmtpLine?: string) => ({ mimeType, sdpFmtpLine })
  const chosen = chosenCodecs([
    codec('video/H264', 'packetization-mode=0;profile-level-id=42001f'),
    codec('video/H264', 'packetization-mode=1;profile-level-id=42e01f'),
    codec('video/VP9', 'profile-id=2'),
    codec('video/VP9', 'profile-id=0'),
    codec('video/rtx'),
    codec('video/VP8'),
    codec('video/ulpfec'),
    codec('video/AV1', 'level-idx=5;profile=0;tier=0'),
  ])
  expect(chosen.map(({ mimeType, sdpFmtpLine }) => [mimeType, sdpFmtpLine])).toEqual([
    ['video/VP8', undefined],
    ['video/VP9', 'profile-id=0'],
    ['video/H264', 'packetization-mode=1;profile-level-id=42e01f'],
    ['video/AV1', 'level-idx=5;profile=0;tier=0'],
    ['video/rtx', undefined],
  ])
  expect(chosenCodecs([codec('audio/red'), codec('audio/opus'), codec('audio/PCMU')])).toHaveLength(1)
})
