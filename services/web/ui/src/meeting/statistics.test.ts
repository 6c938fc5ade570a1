import { expect, test } from 'vitest'
import { type Carried, StatisticsReader } from './statistics'

type Report = [string, unknown][]

const carried: Record<string, Carried> = {
  '1': { source: 'camera' },
  '4': { person: 2, source: 'microphone' },
  '8': { person: 2, source: 'camera' },
}

function report(seconds: number, local: object = { candidateType: 'host', protocol: 'udp' }): Report {
  const timestamp = seconds * 1_000
  const entries = [
    { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
    {
      id: 'P',
      type: 'candidate-pair',
      localCandidateId: 'L',
      currentRoundTripTime: 0.02,
      availableOutgoingBitrate: 3e6,
    },
    { id: 'L', type: 'local-candidate', ...local },
    { id: 'C', type: 'codec', mimeType: 'video/VP8' },
    layer('q', 320, 10_000),
    layer('f', 1280, 100_000),
    { ...layer('x', 1920, 0), id: 'idle', mid: '2' },
    {
      id: 'A',
      type: 'inbound-rtp',
      kind: 'audio',
      mid: '4',
      packetsReceived: 50 * seconds,
      packetsLost: 0,
      ...delay(),
    },
    picture('V', '8', 640),
    picture('W', '9', 320),
    { id: 'R1', type: 'remote-inbound-rtp', fractionLost: 0.01 },
    { id: 'R2', type: 'remote-inbound-rtp', fractionLost: 0.04 },
  ]
  return entries.map((entry) => [entry.id, { timestamp, ...entry }])

  function layer(rid: string, frameWidth: number, bytesPerSecond: number) {
    const frames = bytesPerSecond > 0 ? 30 * seconds : 0
    const size = { frameWidth, frameHeight: (frameWidth * 9) / 16, framesPerSecond: 30 }
    const sent = { bytesSent: bytesPerSecond * seconds, framesEncoded: frames }
    return { id: rid, type: 'outbound-rtp', kind: 'video', mid: '1', rid, codecId: 'C', ...size, ...sent }
  }

  function picture(id: string, mid: string, frameWidth: number) {
    const size = { frameWidth, frameHeight: (frameWidth * 9) / 16, framesPerSecond: 20 }
    const received = { bytesReceived: 50_000 * seconds, framesDecoded: 20 * seconds, packetsReceived: 45 * seconds }
    return {
      id,
      type: 'inbound-rtp',
      kind: 'video',
      mid,
      codecId: 'C',
      packetsLost: 2.5 * seconds,
      ...size,
      ...received,
    }
  }

  function delay() {
    return { jitterBufferDelay: 0.04 * 48_000 * seconds, jitterBufferEmittedCount: 48_000 * seconds }
  }
}

test('rates and losses are those since the previous report', () => {
  const reader = new StatisticsReader()
  const first = reader.read(report(10), (mid) => carried[mid])
  expect([first.bitrateUp, first.bitrateDown]).toEqual([0, 0])
  const { sent, received, ...rest } = reader.read(report(12), (mid) => carried[mid])
  expect(rest).toEqual({
    path: 'udp',
    roundTrip: 20,
    lossUp: 0.04,
    lossDown: 5 / 145,
    bitrateUp: 880_000,
    bitrateDown: 800_000,
    availableUp: 3e6,
    audioDelay: 40,
  })
  const video = { source: 'camera', framesPerSecond: 30, codec: 'VP8' }
  expect(sent).toEqual([{ ...video, person: undefined, width: 1280, height: 720, bitrate: 880_000 }])
  // The slot with mid 9 still gets packets, but the server has not said whose they are.
  expect(received).toEqual([{ ...video, person: 2, width: 640, height: 360, framesPerSecond: 20, bitrate: 400_000 }])
})

test.each([
  ['tcp', { candidateType: 'host', protocol: 'tcp' }],
  ['relay_udp', { candidateType: 'relay', protocol: 'udp', relayProtocol: 'udp' }],
  ['relay_tcp', { candidateType: 'relay', protocol: 'udp', relayProtocol: 'tcp' }],
  ['relay_tls', { candidateType: 'relay', protocol: 'udp', relayProtocol: 'tls' }],
])('the path is named: %s', (path, local) => {
  expect(new StatisticsReader().read(report(1, local), () => undefined).path).toBe(path)
})

test('Firefox marks the selected pair itself', () => {
  const firefox = report(1)
    .filter(([id]) => id !== 'T')
    .map(([id, entry]): [string, unknown] => [id, { ...(entry as object), selected: id === 'P' }])
  expect(new StatisticsReader().read(firefox, () => undefined).roundTrip).toBe(20)
})

test('without a connection there is nothing to say, and nothing to trip over', () => {
  expect(new StatisticsReader().read([], () => undefined)).toMatchObject({ bitrateUp: 0, sent: [], received: [] })
})
