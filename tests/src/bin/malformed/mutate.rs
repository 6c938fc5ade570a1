//! Seeded damage to messages.

use fastrand::Rng;

/// No datagram and no frame that is sent here is longer.
const MAX_BYTES: usize = 60_000;

/// Of number `index` of a protocol: the same damage whatever came before it.
pub(crate) fn random(seed: u64, protocol: &str, index: usize) -> Rng {
    // FNV-1a over the protocol's name keeps equal numbers of two protocols apart.
    let name = protocol.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Rng::with_seed(seed ^ name ^ (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// One to three damages; most messages get one, so that what stands behind it is read too.
pub(crate) fn bytes(random: &mut Rng, data: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..times(random) {
        one(random, data, other);
    }
    data.truncate(MAX_BYTES);
}

/// One to three damages that leave every byte in its place: lengths stay true, values do not.
pub(crate) fn in_place(random: &mut Rng, data: &mut [u8]) {
    for _ in 0..times(random) {
        if data.is_empty() {
            return;
        }
        let at = random.usize(..data.len());
        match random.u8(..4) {
            0 => data[at] ^= 1 << random.u8(..8),
            1 => data[at] = random.u8(..),
            2 => length_field(random, data, at),
            _ => data[at..].iter_mut().take(4).for_each(|byte| *byte = random.u8(..)),
        }
    }
}

/// As [`bytes`], and half of the time with damage to lines, numbers and tokens.
pub(crate) fn text(random: &mut Rng, data: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..times(random) {
        match random.u8(..8) {
            0 => lines(random, data, other),
            1 | 2 => number(random, data),
            3 => token(random, data),
            _ => one(random, data, other),
        }
    }
    data.truncate(4 * MAX_BYTES);
}

fn times(random: &mut Rng) -> usize {
    *random.choice(&[1, 1, 1, 2, 3]).expect("not empty")
}

fn one(random: &mut Rng, data: &mut Vec<u8>, other: &[u8]) {
    if data.is_empty() {
        return data.push(random.u8(..));
    }
    let at = random.usize(..data.len());
    let end = (at + random.usize(1..40)).min(data.len());
    match random.u8(..10) {
        0 | 1 => data[at] ^= 1 << random.u8(..8),
        2 => data[at] = *random.choice(&[0, 1, 0x7f, 0x80, 0xfe, 0xff, b' ', b'"']).expect("not empty"),
        3 => data.truncate(at),
        4 => drop(data.drain(at..end)),
        5 => {
            let run = data[at..end].to_vec();
            let count = *random.choice(&[1, 1, 2, 40]).expect("not empty");
            data.splice(at..at, run.repeat(count));
        }
        6 => {
            let run: Vec<u8> = (0..random.usize(1..32)).map(|_| random.u8(..)).collect();
            data.splice(at..at, run);
        }
        7 => length_field(random, data, at),
        8 => {
            data.truncate(at);
            data.extend_from_slice(&other[random.usize(..=other.len())..]);
        }
        _ => data[at..end].rotate_left((end - at) / 2),
    }
}

/// Lengths and counts stand in two or four bytes, the highest first.
fn length_field(random: &mut Rng, data: &mut [u8], at: usize) {
    let here = data.len() as u32;
    let value = random.choice([0, 1, 3, 0x7fff, 0x8000, 0xffff, here, here + 1, here.wrapping_sub(21)]);
    let value = value.unwrap_or_default();
    let wide = [u32::MAX, i32::MAX as u32, 1 << 31, value];
    let bytes = match random.bool() {
        true => (value as u16).to_be_bytes().to_vec(),
        false => random.choice(wide).unwrap_or_default().to_be_bytes().to_vec(),
    };
    data[at..].iter_mut().zip(bytes).for_each(|(old, new)| *old = new);
}

/// Removes, repeats, exchanges or borrows a line.
fn lines(random: &mut Rng, data: &mut Vec<u8>, other: &[u8]) {
    let mut lines: Vec<&[u8]> = data.split_inclusive(|byte| *byte == b'\n').collect();
    if lines.is_empty() {
        return;
    }
    let (at, to) = (random.usize(..lines.len()), random.usize(..lines.len()));
    match random.u8(..5) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(to, lines[at]),
        2 => lines.swap(at, to),
        3 => {
            let line = lines[at];
            lines.extend(std::iter::repeat_n(line, random.usize(1..300)));
        }
        _ => {
            let others: Vec<&[u8]> = other.split_inclusive(|byte| *byte == b'\n').collect();
            lines.insert(to, random.choice(others).unwrap_or_default());
        }
    }
    *data = lines.concat();
}

/// Puts an extreme in the place of a number.
fn number(random: &mut Rng, data: &mut Vec<u8>) {
    let starts: Vec<usize> = (0..data.len())
        .filter(|at| data[*at].is_ascii_digit() && (*at == 0 || !data[at - 1].is_ascii_digit()))
        .collect();
    let Some(start) = random.choice(starts) else { return };
    let digits = data[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let extremes: [&str; 10] = [
        "0",
        "-1",
        "127",
        "65536",
        "4294967295",
        "4294967296",
        "18446744073709551616",
        "9999999999999999999999999999999999999999",
        "1e999",
        "",
    ];
    let extreme = random.choice(extremes).unwrap_or_default();
    data.splice(start..start + digits, extreme.bytes());
}

/// Inserts what parsers of text treat in a way of its own.
fn token(random: &mut Rng, data: &mut Vec<u8>) {
    let tokens: [&[u8]; 12] = [
        b"null",
        b"[[[[[[[[",
        b"{\"type\":",
        b"\\ud800",
        b"\"\\u0000\"",
        b"\xe2\x80\xae",
        b"\r\n",
        b"\r\n\r\n",
        b"%00",
        b"a=",
        b": ",
        b"\xff",
    ];
    let at = random.usize(..=data.len());
    data.splice(at..at, random.choice(tokens).unwrap_or_default().iter().copied());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_damage_and_nothing_panics() {
        for index in 0..20_000 {
            let damaged = |seed| {
                let mut random = random(seed, "test", index);
                let mut data = b"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n".to_vec();
                data.truncate(index % 60);
                text(&mut random, &mut data, b"a=rtcp-mux\r\n");
                bytes(&mut random, &mut data, b"");
                data
            };
            assert_eq!(damaged(1), damaged(1));
        }
    }
}
