//! An update while it arrives: bytes in whatever pieces, verified payloads out. Nothing is kept in memory but
//! the header.

use aws_lc_rs::digest::{Context, SHA256};
use plenum_protocol::update::{self, Header, HeaderError, Manifest, PublicKey};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damaged {
    #[error("{0}")]
    Header(#[from] HeaderError),
    #[error("{0}")]
    Unwanted(String),
    #[error("{0} was tampered with or damaged: its SHA-256 is another; fetch the update once more")]
    Payload(String),
    #[error("it is truncated: {have} of {of} bytes; fetch it once more")]
    Truncated { have: u64, of: u64 },
    #[error("it is oversized: bytes follow its last payload; fetch it once more")]
    Trailing,
}

/// Where payloads go. Their content may be used only after [`Unpacker::finish`].
pub trait Sink {
    /// Called once, before any payload: the box may refuse what it does not want.
    fn manifest(&mut self, manifest: &Manifest) -> Result<(), String>;
    /// A piece of the payload with this place in the manifest.
    fn piece(&mut self, place: usize, bytes: &[u8]) -> Result<(), String>;
}

pub struct Unpacker {
    trusted: Vec<PublicKey>,
    start: Vec<u8>,
    header: Option<Header>,
    place: usize,
    /// Of the present payload.
    left: u64,
    digest: Context,
    have: u64,
}

impl Unpacker {
    pub fn new(trusted: Vec<PublicKey>) -> Unpacker {
        let (start, digest) = (Vec::new(), Context::new(&SHA256));
        Unpacker { trusted, start, header: None, place: 0, left: 0, digest, have: 0 }
    }

    pub fn push(&mut self, mut bytes: &[u8], sink: &mut impl Sink) -> Result<(), Damaged> {
        while self.header.is_none() && !bytes.is_empty() {
            let whole = update::head(&self.start)?.unwrap_or(update::FIXED_BYTES);
            let (taken, rest) = bytes.split_at(bytes.len().min(whole - self.start.len()));
            self.start.extend(taken);
            self.have += taken.len() as u64;
            bytes = rest;
            if update::head(&self.start)? == Some(self.start.len()) {
                let header = Header::read(&self.start, &self.trusted)?;
                sink.manifest(&header.manifest).map_err(Damaged::Unwanted)?;
                self.left = header.manifest.payloads[0].size;
                self.header = Some(header);
            }
        }
        while !bytes.is_empty() {
            bytes = self.payload(bytes, sink)?;
        }
        Ok(())
    }

    fn payload<'a>(&mut self, bytes: &'a [u8], sink: &mut impl Sink) -> Result<&'a [u8], Damaged> {
        let payloads = self.header.as_ref().map(|header| &header.manifest.payloads);
        let payload = payloads.and_then(|it| it.get(self.place)).ok_or(Damaged::Trailing)?;
        let length = usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let (taken, rest) = bytes.split_at(length);
        sink.piece(self.place, taken).map_err(Damaged::Unwanted)?;
        self.digest.update(taken);
        self.left -= length as u64;
        self.have += length as u64;
        if self.left == 0 {
            let digest = std::mem::replace(&mut self.digest, Context::new(&SHA256)).finish();
            let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            if hex != payload.sha256 {
                return Err(Damaged::Payload(payload.name.clone()));
            }
            self.place += 1;
            self.left = payloads.and_then(|it| it.get(self.place)).map_or(0, |next| next.size);
        }
        Ok(rest)
    }

    /// `(done, of)` in bytes; `of` is 0 before the header is whole.
    pub fn progress(&self) -> (u64, u64) {
        let of = self.header.as_ref().map_or(0, |it| it.bytes as u64 + it.manifest.payload_bytes());
        (self.have, of)
    }

    /// The end of the bytes: everything was there and fits.
    pub fn finish(self) -> Result<Manifest, Damaged> {
        let (have, of) = self.progress();
        match self.header {
            Some(header) if self.place == header.manifest.payloads.len() => Ok(header.manifest),
            _ => Err(Damaged::Truncated { have, of: of.max(update::FIXED_BYTES as u64) }),
        }
    }
}
