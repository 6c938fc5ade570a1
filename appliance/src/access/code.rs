//! Codes that people read off a display or paper.

/// Without I, O, 0 and 1.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// From the kernel.
pub fn system_random(bytes: &mut [u8]) {
    aws_lc_rs::rand::fill(bytes).expect("the kernel's random numbers cannot fail after the start");
}

/// `N` characters of five random bits each; `fill` provides them.
pub fn random<const N: usize>(fill: &mut dyn FnMut(&mut [u8])) -> String {
    let mut bytes = [0u8; N];
    fill(&mut bytes);
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}
