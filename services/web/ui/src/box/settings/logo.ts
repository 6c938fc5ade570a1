// An image that somebody chose becomes a logo that the box takes: small, and without what a camera wrote into it.

/** Pixels: twice what pages show, and more. */
const LONGEST = 512
/** What the box takes. */
const SHORTEST = 16
const MAX_BYTES = 256 * 1024
/** On white a logo that is brighter can hardly be seen. */
const BRIGHT = 0.75
/** Made for dark ground, it gets one. */
const DARK_GROUND = '#1b2224'

export interface PreparedLogo {
  content: Uint8Array<ArrayBuffer>
  /** For `<img>`. */
  url: string
}

/** Fails for what is no image, and for one that is too small or too narrow. */
export async function prepareLogo(file: Blob): Promise<PreparedLogo> {
  // What has a vector in it may have a script in it, too, and no size of its own.
  if (file.type.startsWith('image/svg')) throw new Error('a vector image')
  const image = await createImageBitmap(file)
  try {
    for (const longest of [LONGEST, LONGEST / 2]) {
      const canvas = draw(image, longest)
      for (const type of ['image/png', 'image/webp']) {
        const blob = await encode(canvas, type)
        if (blob && blob.size <= MAX_BYTES) {
          return { content: new Uint8Array(await blob.arrayBuffer()), url: URL.createObjectURL(blob) }
        }
      }
    }
    throw new Error('it stays too large')
  } finally {
    image.close()
  }
}

/** Width and height, no larger than the image itself. */
export function fitted(width: number, height: number, longest: number): [number, number] {
  const scale = Math.min(1, longest / Math.max(width, height))
  return [Math.round(width * scale), Math.round(height * scale)]
}

function draw(image: ImageBitmap, longest: number): HTMLCanvasElement {
  const [width, height] = fitted(image.width, image.height, longest)
  if (Math.min(width, height) < SHORTEST) throw new Error(`${width} × ${height} pixels are too few`)
  const canvas = document.createElement('canvas')
  Object.assign(canvas, { width, height })
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (!context) throw new Error('this browser draws nothing')
  context.imageSmoothingQuality = 'high'
  context.drawImage(image, 0, 0, width, height)
  if (isForDark(context.getImageData(0, 0, width, height).data)) {
    context.globalCompositeOperation = 'destination-over'
    context.fillStyle = DARK_GROUND
    context.fillRect(0, 0, width, height)
  }
  return canvas
}

/** Whether it is bright and one can see through it. RGBA, a byte each. */
export function isForDark(pixels: Uint8ClampedArray): boolean {
  let [brightness, opaque] = [0, 0]
  for (let at = 0; at < pixels.length; at += 4) {
    const [red = 0, green = 0, blue = 0, alpha = 0] = pixels.subarray(at, at + 4)
    brightness += (alpha * (0.2126 * red + 0.7152 * green + 0.0722 * blue)) / 255
    opaque += alpha
  }
  const all = (255 * pixels.length) / 4
  return opaque < 0.98 * all && brightness > BRIGHT * opaque
}

function encode(canvas: HTMLCanvasElement, type: string): Promise<Blob | null> {
  return new Promise((resolve) => canvas.toBlob(resolve, type, 0.9))
}
