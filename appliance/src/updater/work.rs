//! What takes time, in tasks of its own: each ends with a message to the loop.

use super::phase::Event;
use super::{Available, Updater, now};
use crate::slots::FAILURE;
use crate::sources::https::{Client, join};
use crate::sources::{self, Source};
use crate::staging::Staging;
use crate::system::System;
use anyhow::{Context, Result};
use plenum_protocol::update::{FIXED_BYTES, Header, MAX_MANIFEST_BYTES, PublicKey, Version};
use std::fs::File;
use std::os::unix::fs::FileExt;
use tokio::sync::mpsc;

/// Progress is told in steps of this many bytes.
const STEP: u64 = 1 << 20;

pub(super) enum Message {
    Event(Event),
    Progress((u64, u64)),
    Found(Version, Available),
    Problem(String),
    /// Into the directory and on the stick.
    Looked,
    /// The other version is the one that starts next.
    WentBack,
}

impl Updater {
    pub(super) fn download(&mut self, source: Source) {
        let (sender, client) = (self.messages.0.clone(), self.client.clone());
        let (folder, admission) = (self.settings.staging_dir.clone(), self.admission());
        let work = tokio::spawn(async move {
            let ended = async {
                let staging = Staging::begin(&folder, admission)?;
                let progress = told(sender.clone());
                let staging = match source {
                    Source::Url(url) => client.fetch(&url, staging, progress).await?,
                    Source::File(file) => {
                        tokio::task::spawn_blocking(move || sources::file(file, staging, progress)).await??
                    }
                };
                tokio::task::spawn_blocking(move || staging.finish()).await?
            };
            let event = match ended.await {
                Ok(manifest) => Event::Verified(manifest.version),
                Err(error) => Event::Failed(format!("{error:#}")),
            };
            let _ = sender.send(Message::Event(event)).await;
        });
        self.work = Some(work.abort_handle());
    }

    pub(super) fn run_unit(&mut self, unit: &'static str, then: Event) {
        let (sender, system) = (self.messages.0.clone(), self.system.clone());
        tokio::spawn(async move {
            let event = match system.run(unit).await {
                Ok(()) => then,
                Err(error) => Event::Failed(reason(&error)),
            };
            let _ = sender.send(Message::Event(event)).await;
        });
    }

    pub(super) fn wait_for_health(&mut self) {
        let (sender, system) = (self.messages.0.clone(), self.system.clone());
        tokio::spawn(async move {
            match system.wait_for("boot-complete.target").await {
                Ok(()) => drop(sender.send(Message::Event(Event::Healthy)).await),
                Err(error) => log::error!("whether this version is healthy is not known: {error:#}"),
            }
        });
    }

    pub(super) fn reboot(&mut self) {
        let (sender, system) = (self.messages.0.clone(), self.system.clone());
        tokio::spawn(async move {
            if let Err(error) = system.reboot().await {
                let reason = format!("{error:#}");
                let _ = sender.send(Message::Problem(reason.clone())).await;
                let _ = sender.send(Message::Event(Event::Failed(reason))).await;
            }
        });
    }

    pub(super) fn go_back(&mut self) {
        let (sender, system) = (self.messages.0.clone(), self.system.clone());
        tokio::spawn(async move {
            let message = match system.run("plenum-slot-rollback.service").await {
                Ok(()) => Message::WentBack,
                Err(error) => Message::Problem(reason(&error)),
            };
            let _ = sender.send(message).await;
        });
    }

    /// In the directory of the settings, and on a USB stick if that is wanted; what is found comes as messages.
    pub(super) fn check(&mut self, sticks: bool) {
        self.show_reasons(Vec::new());
        self.looking = true;
        self.show();
        let sender = self.messages.0.clone();
        let (system, client) = (self.system.clone(), self.client.clone());
        let (source, trusted) = (self.settings.source.clone(), self.trusted.clone());
        tokio::spawn(async move {
            let found = directory(&client, &source, &trusted).await;
            if let Some(message) = found.unwrap_or_else(|error| Some(Message::Problem(format!("{error:#}"))))
            {
                let _ = sender.send(message).await;
            }
            if sticks {
                look_for_stick(&system, &sender).await;
            }
            let _ = sender.send(Message::Looked).await;
        });
    }

    /// A stick's file: looked at as far as its signed header.
    pub(super) fn offer(&mut self, file: File) -> Result<(), String> {
        let manifest = head(&file, &self.trusted).map_err(|error| format!("{error:#}"))?;
        let sender = self.messages.0.clone();
        tokio::spawn(async move {
            let _ = sender.send(Message::Found(manifest, Available::File(file))).await;
        });
        Ok(())
    }
}

async fn directory(client: &Client, source: &str, trusted: &[PublicKey]) -> Result<Option<Message>> {
    if source.is_empty() {
        return Ok(None);
    }
    let index = client.index(source, trusted, now()).await.context("the update source")?;
    let url = join(source, &index.bundle);
    Ok(Some(Message::Found(index.version, Available::Url(url))))
}

async fn look_for_stick(system: &System, sender: &mpsc::Sender<Message>) {
    if let Err(error) = system.run("plenum-usb.service").await {
        let _ = sender.send(Message::Problem(format!("looking for a USB stick: {error:#}"))).await;
    }
}

fn head(file: &File, trusted: &[PublicKey]) -> Result<Version> {
    let mut bytes = vec![0; FIXED_BYTES + MAX_MANIFEST_BYTES];
    let length = file.read_at(&mut bytes, 0).context("the update cannot be read")?;
    Ok(Header::read(&bytes[..length], trusted)?.manifest.version)
}

/// The one-shot unit's own words, if it left any.
fn reason(error: &anyhow::Error) -> String {
    std::fs::read_to_string(FAILURE).unwrap_or_else(|_| format!("{error:#}"))
}

fn told(sender: mpsc::Sender<Message>) -> impl FnMut((u64, u64)) + Send + 'static {
    let mut next = 0;
    move |(done, of)| {
        if done >= next {
            next = done + STEP;
            // A full queue loses a step and nothing else.
            let _ = sender.try_send(Message::Progress((done, of)));
        }
    }
}
