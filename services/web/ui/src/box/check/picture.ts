// A picture that needs no camera: something that moves, so that there is something to encode.

export interface Picture {
  stream: MediaStream
  stop: () => void
}

const [WIDTH, HEIGHT, FRAMES_PER_SECOND] = [640, 360, 15]

export function testPicture(): Picture {
  const canvas = document.createElement('canvas')
  canvas.width = WIDTH
  canvas.height = HEIGHT
  const context = canvas.getContext('2d')
  let frame = 0
  const draw = () => {
    if (context === null) return
    frame += 1
    context.fillStyle = `hsl(${(frame * 4) % 360} 60% 40%)`
    context.fillRect(0, 0, WIDTH, HEIGHT)
    context.fillStyle = 'white'
    context.fillRect((frame * 9) % WIDTH, HEIGHT / 3, WIDTH / 8, HEIGHT / 3)
  }
  draw()
  const timer = setInterval(draw, 1_000 / FRAMES_PER_SECOND)
  const stream = canvas.captureStream(FRAMES_PER_SECOND)
  return {
    stream,
    stop: () => {
      clearInterval(timer)
      for (const track of stream.getTracks()) track.stop()
    },
  }
}
