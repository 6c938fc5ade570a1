//! Seeded damage to inputs, for tests.

use fastrand::Rng;

/// Does one of: flip a bit, set a byte, cut, remove a run, repeat a run, insert random bytes, swap runs.
pub(crate) fn mutate(random: &mut Rng, data: &mut Vec<u8>) {
    if data.is_empty() {
        data.push(random.u8(..));
        return;
    }
    let at = random.usize(0..data.len());
    let end = (at + random.usize(1..64)).min(data.len());
    match random.u8(0..8) {
        0 => data[at] ^= 1 << random.u8(0..8),
        1 => data[at] = *random.choice(&[0, 1, 0x7f, 0x80, 0xff, b'0', b' ', b':']).expect("not empty"),
        2 => data.truncate(at),
        3 => drop(data.drain(at..end)),
        4 => {
            let run = data[at..end].to_vec();
            data.splice(at..at, run);
        }
        5 => {
            let run: Vec<u8> = (0..random.usize(1..32)).map(|_| random.u8(..)).collect();
            data.splice(at..at, run);
        }
        6 => {
            let other = random.usize(0..data.len());
            data.swap(at, other);
        }
        _ => data[at] = data[at].wrapping_add(1),
    }
}
