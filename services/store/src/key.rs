//! Keys as bytes whose order is the order of the values, so that ranges and prefixes work.

/// A key of a tree. Encodings keep the order of the values and are self-delimiting, so that a tuple's first
/// part can be searched for alone (see [`StartsWith`]).
pub trait Key: Sized {
    fn encode(&self, out: &mut Vec<u8>);

    /// Takes one key off the front of `input`; `None` if it is not one.
    fn decode(input: &mut &[u8]) -> Option<Self>;
}

/// `Self` begins with a `P`: messages keyed by `(room, number)` can be listed by room.
pub trait StartsWith<P> {}

impl<A: Key, B: Key> StartsWith<A> for (A, B) {}
impl<A: Key, B: Key, C: Key> StartsWith<A> for (A, B, C) {}
impl<A: Key, B: Key, C: Key> StartsWith<(A, B)> for (A, B, C) {}

/// Text ends with 00 00, a zero byte inside is written as 00 FF: shorter text sorts before longer.
fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
    out.extend([0, 0]);
}

fn decode_bytes(input: &mut &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        if byte == 0 {
            let (&escape, rest) = input.split_first()?;
            *input = rest;
            match escape {
                0 => return Some(bytes),
                0xff => {}
                _ => return None,
            }
        }
        bytes.push(byte);
    }
}

impl Key for String {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_bytes(self.as_bytes(), out);
    }

    fn decode(input: &mut &[u8]) -> Option<Self> {
        String::from_utf8(decode_bytes(input)?).ok()
    }
}

impl Key for Vec<u8> {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_bytes(self, out);
    }

    fn decode(input: &mut &[u8]) -> Option<Self> {
        decode_bytes(input)
    }
}

impl<const N: usize> Key for [u8; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self);
    }

    fn decode(input: &mut &[u8]) -> Option<Self> {
        let (head, rest) = input.split_first_chunk::<N>()?;
        *input = rest;
        Some(*head)
    }
}

macro_rules! big_endian_key {
    ($($number:ty),*) => {$(
        impl Key for $number {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend(self.to_be_bytes());
            }

            fn decode(input: &mut &[u8]) -> Option<Self> {
                let (head, rest) = input.split_first_chunk()?;
                *input = rest;
                Some(<$number>::from_be_bytes(*head))
            }
        }
    )*};
}

big_endian_key!(u8, u16, u32, u64, u128);

/// For a tree of a single record.
impl Key for () {
    fn encode(&self, _out: &mut Vec<u8>) {}

    fn decode(_input: &mut &[u8]) -> Option<Self> {
        Some(())
    }
}

impl<A: Key, B: Key> Key for (A, B) {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
    }

    fn decode(input: &mut &[u8]) -> Option<Self> {
        Some((A::decode(input)?, B::decode(input)?))
    }
}

impl<A: Key, B: Key, C: Key> Key for (A, B, C) {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
        self.2.encode(out);
    }

    fn decode(input: &mut &[u8]) -> Option<Self> {
        Some((A::decode(input)?, B::decode(input)?, C::decode(input)?))
    }
}

/// A whole stored key: nothing may be left over.
pub(crate) fn decode_all<K: Key>(mut input: &[u8]) -> Option<K> {
    let key = K::decode(&mut input)?;
    input.is_empty().then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded<K: Key>(key: &K) -> Vec<u8> {
        let mut out = Vec::new();
        key.encode(&mut out);
        out
    }

    #[test]
    fn order_of_bytes_is_order_of_keys() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut keys: Vec<(String, u64)> = (0..500)
            .map(|_| {
                let text = (0..random.usize(0..4)).map(|_| ['\0', 'a', 'b', '\u{ff}'][random.usize(0..4)]);
                (text.collect(), random.u64(0..300))
            })
            .collect();
        let mut bytes: Vec<Vec<u8>> = keys.iter().map(encoded).collect();
        keys.sort();
        bytes.sort();
        let decoded: Vec<(String, u64)> = bytes.iter().map(|bytes| decode_all(bytes).unwrap()).collect();
        assert_eq!(decoded, keys);
    }

    #[test]
    fn a_prefix_is_not_taken_for_a_longer_text() {
        let room = encoded(&"ab".to_owned());
        assert!(encoded(&("ab".to_owned(), 1u32)).starts_with(&room));
        assert!(!encoded(&("abc".to_owned(), 1u32)).starts_with(&room));
    }

    #[test]
    fn rubbish_is_refused() {
        assert_eq!(decode_all::<String>(b"abc"), None);
        assert_eq!(decode_all::<String>(b"a\0\x01\0\0"), None);
        assert_eq!(decode_all::<u32>(b"12345"), None);
        assert_eq!(decode_all::<[u8; 4]>(b"123"), None);
    }
}
