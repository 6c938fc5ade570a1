//! QEMU's own interface (QMP): what a hand at the machine would do, from pulling a cable to typing.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

pub struct Qmp {
    stream: BufReader<UnixStream>,
    cards: &'static [&'static str],
}

impl Qmp {
    pub(super) fn connect(socket: &Path, cards: &'static [&'static str]) -> Result<Qmp> {
        let stream = UnixStream::connect(socket).context("QEMU has no control socket")?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut qmp = Qmp { stream: BufReader::new(stream), cards };
        qmp.line().context("QEMU does not greet")?;
        qmp.run("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// What a command returns. Events that come in between are passed over.
    pub fn run(&mut self, command: &str, arguments: &Value) -> Result<Value> {
        let request = json!({ "execute": command, "arguments": arguments });
        writeln!(self.stream.get_mut(), "{request}")?;
        loop {
            let mut answer = self.line().with_context(|| format!("{command}: no answer of QEMU"))?;
            if let Some(error) = answer.get("error") {
                bail!("{command}: refused by QEMU: {error}");
            }
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
        }
    }

    /// Pulls or plugs every cable.
    pub fn link(&mut self, up: bool) -> Result<()> {
        for card in self.cards {
            self.run("set_link", &json!({ "name": card, "up": up }))?;
        }
        Ok(())
    }

    /// A stick, from an image in the machine's folder: `NAME.raw`.
    pub fn plug_in(&mut self, name: &str) -> Result<()> {
        let file = json!({ "driver": "file", "filename": format!("/machine/{name}.raw"), "read-only": true });
        let node = json!({ "driver": "raw", "node-name": name, "read-only": true, "file": file });
        self.run("blockdev-add", &node)?;
        let device = json!({ "driver": "usb-storage", "id": name, "drive": name, "removable": true });
        self.run("device_add", &device).map(drop)
    }

    pub fn unplug(&mut self, name: &str) -> Result<()> {
        self.run("device_del", &json!({ "id": name })).map(drop)
    }

    /// As if the power button was pressed once.
    pub fn power_button(&mut self) -> Result<()> {
        self.run("system_powerdown", &json!({})).map(drop)
    }

    /// Types small letters and dashes on the machine's keyboard, then the enter key.
    pub fn type_line(&mut self, text: &str) -> Result<()> {
        for letter in text.chars() {
            let key = if letter == '-' { "minus".to_owned() } else { letter.to_string() };
            self.key(&key)?;
        }
        self.key("ret")
    }

    /// One key, by QEMU's name for it.
    pub fn press(&mut self, name: &str) -> Result<()> {
        self.key(name)
    }

    fn key(&mut self, name: &str) -> Result<()> {
        let keys = json!([{ "type": "qcode", "data": name }]);
        self.run("send-key", &json!({ "keys": keys, "hold-time": 20 }))?;
        // QEMU presses and releases on its own clock, and loses what comes too fast.
        std::thread::sleep(Duration::from_millis(60));
        Ok(())
    }

    fn line(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("QEMU has ended");
        }
        Ok(serde_json::from_str(&line)?)
    }
}
