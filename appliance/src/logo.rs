//! Whether bytes are an image that pages may show as the institution's logo. Nothing of it is decoded here: browsers do
//! that, under the type that is found here and `nosniff`.

use imagesize::{ImageSize, ImageType};
use std::ops::RangeInclusive;

pub const MAX_BYTES: usize = 256 << 10;
/// Pixels of each side.
const SIDE: RangeInclusive<usize> = 16..=2_000;
/// ISO/IEC 15948 sections 5.2 and 11.2.1: the signature, and the chunk that comes first.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// What is wrong with it, and what would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("it has {0} bytes: a logo has {MAX_BYTES} at the most")]
    TooLong(usize),
    #[error("it is no image in PNG, JPEG or WebP, or a damaged one")]
    Foreign,
    #[error("it has {width} × {height} pixels: each side of a logo has {least} to {most}", least = SIDE.start(), most = SIDE.end())]
    Sides { width: usize, height: usize },
}

/// Its media type.
pub fn check(image: &[u8]) -> Result<&'static str, Fault> {
    if image.len() > MAX_BYTES {
        return Err(Fault::TooLong(image.len()));
    }
    let media_type = media_type(image).ok_or(Fault::Foreign)?;
    let ImageSize { width, height } = imagesize::blob_size(image).map_err(|_| Fault::Foreign)?;
    match SIDE.contains(&width) && SIDE.contains(&height) {
        true => Ok(media_type),
        false => Err(Fault::Sides { width, height }),
    }
}

/// Of an image that was checked.
pub fn media_type(image: &[u8]) -> Option<&'static str> {
    match imagesize::image_type(image).ok()? {
        ImageType::Png if image.starts_with(PNG) => Some("image/png"),
        ImageType::Jpeg => Some("image/jpeg"),
        ImageType::Webp => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The head of a PNG.
    pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
        [PNG, &width.to_be_bytes(), &height.to_be_bytes(), &[8, 6, 0, 0, 0], &[0; 64]].concat()
    }

    fn jpeg(width: u16, height: u16) -> Vec<u8> {
        let frame = [&[0xff, 0xc0, 0, 17, 8][..], &height.to_be_bytes(), &width.to_be_bytes()].concat();
        [b"\xff\xd8\xff\xe0\0\x04ab", &frame[..], &[0; 64]].concat()
    }

    fn webp(width: u16, height: u16) -> Vec<u8> {
        let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
        [b"RIFF\x60\0\0\0WEBPVP8 \x50\0\0\0\0\0\0\x9d\x01\x2a", &sides[..], &[0; 64]].concat()
    }

    #[test]
    fn three_types_of_images() {
        assert_eq!(check(&png(512, 16)), Ok("image/png"));
        assert_eq!(check(&jpeg(16, 2_000)), Ok("image/jpeg"));
        assert_eq!(check(&webp(300, 200)), Ok("image/webp"));
    }

    #[test]
    fn nothing_else() {
        let svg =
            br#"<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><script>1</script></svg>"#;
        let long_name = b"GIF89a\x40\0\x40\0\0\0\0".repeat(9);
        let almost = [b"\x89PNG<script>", &png(64, 64)[12..]].concat();
        for bad in [&b""[..], b"x", b"\x89PNG", &[0; 4_096], svg, &long_name, &almost, &png(64, 64)[..20]] {
            assert_eq!(check(bad), Err(Fault::Foreign), "{}", bad.escape_ascii());
        }
        let html = [b"<!doctype html>", &png(64, 64)[..]].concat();
        assert_eq!(check(&html), Err(Fault::Foreign));
    }

    #[test]
    fn neither_too_large_nor_too_small() {
        for (width, height) in [(15, 64), (64, 15), (2_001, 64), (64, 2_001), (0, 64), (u32::MAX, 64)] {
            let found = check(&png(width, height));
            assert!(matches!(found, Err(Fault::Sides { .. })), "{width} × {height}: {found:?}");
        }
        let mut long = png(64, 64);
        long.resize(MAX_BYTES, 0);
        assert!(check(&long).is_ok());
        long.push(0);
        assert_eq!(check(&long), Err(Fault::TooLong(MAX_BYTES + 1)));
    }

    #[test]
    fn a_hundred_thousand_damaged_images_are_refused_or_taken() {
        let mut rng = fastrand::Rng::with_seed(3);
        let whole = [png(64, 64), jpeg(64, 64), webp(64, 64)];
        let mut taken = 0;
        for _ in 0..100_000 {
            let mut image = rng.choice(&whole).unwrap().clone();
            for _ in 0..rng.usize(1..5) {
                let at = rng.usize(0..image.len());
                match rng.bool() {
                    true => image[at] = rng.u8(..),
                    false => image.truncate(at + 1),
                }
            }
            taken += usize::from(check(&image).is_ok());
        }
        assert!((1_000..99_000).contains(&taken), "{taken}");
    }
}
