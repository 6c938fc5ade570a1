//! An update that a browser sends, part by part. Nothing of it is kept on the way: the parts go through a pipe into
//! the installation, which checks them as they come.

use super::Orders;
use crate::manager::Refused;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plenum_protocol::manager::{MAX_UPDATE_PART_BYTES, ManagerErrorCode, UpdatePart};
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::sync::Mutex;

/// A browser that sends nothing for so long has gone.
const SILENCE: Duration = Duration::from_secs(120);

#[derive(Default)]
pub(super) struct Upload {
    /// The lock is held while a part is taken: the next one waits.
    going: Arc<Mutex<Option<Going>>>,
}

struct Going {
    /// Its end is the end of the file.
    pipe: pipe::Sender,
    /// So far, and of.
    at: u64,
    of: u64,
}

impl Upload {
    pub(super) async fn take(&self, orders: &Orders, part: UpdatePart) -> Result<(), Refused> {
        let bytes = STANDARD
            .decode(&part.part)
            .map_err(|_| Refused::malformed("part", "it is not base64 (RFC 4648 section 4)"))?;
        if bytes.is_empty() || bytes.len() > MAX_UPDATE_PART_BYTES {
            let detail = format!("a part has 1 to {MAX_UPDATE_PART_BYTES} bytes");
            return Err(Refused::malformed("part", detail));
        }
        let after = part.first.checked_add(bytes.len() as u64).filter(|after| *after <= part.of);
        let after =
            after.ok_or_else(|| Refused::malformed("of", "the part goes beyond the end of the file"))?;
        let mut going = self.going.lock().await;
        if part.first == 0 {
            *going = Some(begin(orders, part.of).await?);
        }
        let Some(upload) = going.as_mut().filter(|it| (it.at, it.of) == (part.first, part.of)) else {
            let at = going.as_ref().map_or(0, |it| it.at);
            let detail = format!("the box has {at} bytes of the file: begin anew");
            return Err(Refused::conflict(&detail).in_field("first"));
        };
        if upload.pipe.write_all(&bytes).await.is_err() {
            *going = None;
            return Err(Refused::conflict(&orders.why_it_ended().await).in_field("part"));
        }
        upload.at = after;
        if after == part.of {
            *going = None;
        } else {
            drop(going);
            self.watch(after);
        }
        Ok(())
    }

    /// The installation reads an end before its time, and fails.
    pub(super) async fn break_off(&self) {
        *self.going.lock().await = None;
    }

    /// Breaks it off when nothing has come since.
    fn watch(&self, at: u64) {
        let going = Arc::clone(&self.going);
        tokio::spawn(async move {
            tokio::time::sleep(SILENCE).await;
            let mut going = going.lock().await;
            if going.as_ref().is_some_and(|it| it.at == at) {
                log::warn!("the browser that sent an update has gone");
                *going = None;
            }
        });
    }
}

async fn begin(orders: &Orders, of: u64) -> Result<Going, Refused> {
    let (pipe, file) = pipe_to_file()?;
    orders.install(file).await.map_err(|refused| refused.in_field("part"))?;
    Ok(Going { pipe, at: 0, of })
}

fn pipe_to_file() -> Result<(pipe::Sender, File), Refused> {
    let made = pipe::pipe().and_then(|(sender, receiver)| Ok((sender, receiver.into_blocking_fd()?)));
    let (sender, receiver) = made.map_err(|error| {
        log::error!(error:%; "no pipe for an update");
        Refused::new(ManagerErrorCode::Unavailable, "the box cannot take files at the moment: restart it")
    })?;
    Ok((sender, File::from(receiver)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::{Asked, Request};
    use crate::sources::Source;
    use crate::status::Status;
    use std::io::Read;
    use tokio::sync::{mpsc, watch};

    struct House {
        orders: Orders,
        requests: mpsc::Receiver<Asked>,
        status: watch::Sender<Status>,
        upload: Upload,
    }

    impl House {
        fn new() -> House {
            let (sender, requests) = mpsc::channel(1);
            let (status, seen) = watch::channel(Status::default());
            let orders = Orders { requests: sender, status: seen };
            House { orders, requests, status, upload: Upload::default() }
        }

        async fn send(&self, first: u64, of: u64, bytes: &[u8]) -> Result<(), Refused> {
            let part = UpdatePart { first, of, part: STANDARD.encode(bytes) };
            self.upload.take(&self.orders, part).await
        }

        /// Sends the first part, and gives what the installation reads from.
        async fn begin(&mut self, of: u64, bytes: &[u8]) -> File {
            let part = UpdatePart { first: 0, of, part: STANDARD.encode(bytes) };
            let (taken, file) = tokio::join!(self.upload.take(&self.orders, part), async {
                let (request, answer) = self.requests.recv().await.unwrap();
                answer.send(Ok(())).unwrap();
                match request {
                    Request::Install(Some(Source::File(file))) => file,
                    _ => panic!("an installation was expected"),
                }
            });
            taken.unwrap();
            file
        }
    }

    fn read(mut file: File) -> Vec<u8> {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[tokio::test]
    async fn parts_become_the_file_and_its_end() {
        let mut house = House::new();
        let file = house.begin(9, b"one").await;
        house.send(3, 9, b"two").await.unwrap();
        house.send(6, 9, b"end").await.unwrap();
        assert_eq!(read(file), b"onetwoend");
        assert!(house.send(9, 12, b"two").await.is_err(), "it is over");
    }

    #[tokio::test]
    async fn what_does_not_follow_is_refused_and_the_rest_goes_on() {
        let mut house = House::new();
        assert!(house.send(3, 9, b"two").await.is_err(), "nothing has begun");
        let file = house.begin(6, b"one").await;
        for (first, of) in [(4, 6), (2, 6), (3, 7)] {
            let Err(Refused(refused)) = house.send(first, of, b"x").await else { panic!("{first} of {of}") };
            assert_eq!(refused.error, ManagerErrorCode::Conflict);
            assert!(refused.detail.contains("3 bytes"), "{}", refused.detail);
        }
        for (first, of, bytes) in [(3, 6, &b"beyond"[..]), (u64::MAX, u64::MAX, b"x"), (3, 6, b"")] {
            let Err(Refused(refused)) = house.send(first, of, bytes).await else { panic!("{first} of {of}") };
            assert_eq!(refused.error, ManagerErrorCode::Malformed);
        }
        house.send(3, 6, b"two").await.unwrap();
        assert_eq!(read(file), b"onetwo");
    }

    #[tokio::test]
    async fn an_installation_that_ends_says_why() {
        let mut house = House::new();
        drop(house.begin(6, b"one").await);
        house.status.send_modify(|status| status.last.2 = "the signature is wrong".into());
        let Err(Refused(refused)) = house.send(3, 6, b"two").await else { panic!("nobody reads it") };
        assert_eq!(refused.detail, "the signature is wrong");
    }

    #[tokio::test(start_paused = true)]
    async fn a_browser_that_goes_ends_the_file() {
        let mut house = House::new();
        let file = house.begin(6, b"one").await;
        tokio::time::sleep(SILENCE * 2).await;
        assert_eq!(read(file), b"one");
        let file = house.begin(6, b"one").await;
        house.upload.break_off().await;
        assert_eq!(read(file), b"one");
    }
}
