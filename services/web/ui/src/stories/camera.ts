// Painted people instead of cameras, and a painted slide instead of a screen.

const SKIN = ['#f1c9a5', '#8d5524', '#e0ac69', '#5b3a1e', '#ffdbac', '#c68642']
const HAIR = ['#2b1b12', '#6b4a2b', '#b58143', '#1a1a1c', '#8a8a8c', '#5a2d2d']
const SHIRT = ['#35618f', '#a5453f', '#3f7d5b', '#6d5a92', '#4c4f57', '#b0853b']
const ROOM = [
  ['#cfd9dc', '#9fb2b8'],
  ['#e4d9c8', '#bfa98a'],
  ['#d5dccf', '#9eac93'],
  ['#dcd3e0', '#a99bb3'],
  ['#c9d3e3', '#93a5c0'],
  ['#e6e2da', '#b9b2a4'],
] as const

const at = <T>(list: readonly T[], index: number): T => list[index % list.length] as T

function stream(width: number, height: number, paint: (context: CanvasRenderingContext2D, time: number) => void) {
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  const context = canvas.getContext('2d')
  if (!context) throw new Error('no canvas')
  const draw = () => paint(context, performance.now() / 1000)
  draw()
  setInterval(draw, 150)
  return canvas.captureStream(10)
}

export function paintedPerson(number: number, width = 640, height = 360): MediaStream {
  return stream(width, height, (context, time) => {
    const [light, dark] = at(ROOM, number)
    const wall = context.createLinearGradient(0, 0, width, height)
    wall.addColorStop(0, light)
    wall.addColorStop(1, dark)
    context.fillStyle = wall
    context.fillRect(0, 0, width, height)
    // A shelf or a window.
    context.fillStyle = 'rgba(255,255,255,0.35)'
    context.fillRect(width * (number % 2 ? 0.08 : 0.7), height * 0.12, width * 0.2, height * 0.36)
    const x = width / 2 + Math.sin(time * 0.8 + number) * width * 0.012
    const y = height * 0.44 + Math.sin(time * 1.3 + number * 2) * height * 0.008
    const unit = Math.min(height, width * 0.6)
    context.fillStyle = at(SHIRT, number * 5)
    context.beginPath()
    context.ellipse(x, height * 1.02, unit * 0.4, unit * 0.36, 0, Math.PI, 0)
    context.fill()
    context.fillStyle = at(SKIN, number)
    context.fillRect(x - unit * 0.06, y + unit * 0.1, unit * 0.12, unit * 0.16)
    context.fillStyle = at(HAIR, number * 7)
    context.beginPath()
    context.ellipse(x, y - unit * 0.05, unit * 0.165, unit * 0.19, 0, 0, 2 * Math.PI)
    context.fill()
    context.fillStyle = at(SKIN, number)
    context.beginPath()
    context.ellipse(x, y, unit * 0.13, unit * 0.17, 0, 0, 2 * Math.PI)
    context.fill()
  })
}

export function paintedSlide(): MediaStream {
  return stream(1280, 720, (context, time) => {
    context.fillStyle = '#ffffff'
    context.fillRect(0, 0, 1280, 720)
    context.fillStyle = '#0a626c'
    context.fillRect(0, 0, 1280, 14)
    context.fillStyle = '#1b2224'
    context.font = '600 52px sans-serif'
    context.fillText('Heating in the old building', 80, 120)
    context.font = '30px sans-serif'
    context.fillStyle = '#525c60'
    context.fillText('kWh per month, before and after', 80, 172)
    for (let month = 0; month < 12; month++) {
      const before = 200 + 150 * Math.cos((month / 12) * 2 * Math.PI)
      context.fillStyle = '#c9d3d5'
      context.fillRect(90 + month * 92, 640 - before, 34, before)
      context.fillStyle = '#0a626c'
      context.fillRect(128 + month * 92, 640 - before * 0.62, 34, before * 0.62)
    }
    context.fillStyle = '#e4405a'
    context.beginPath()
    context.arc(640 + 200 * Math.sin(time), 400, 8, 0, 2 * Math.PI)
    context.fill()
  })
}
