//! Display and keyboard of a machine, used as the manual says.

use crate::manual::Instructions;
use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plenum_tests::machine::Machine;
use std::time::{Duration, Instant};

/// From a key to what it changes on the display.
const LIMIT: Duration = Duration::from_secs(60);
/// The setup code, eight characters with a dash in the middle.
const CODE: &str = "/run/plenum/appliance/setup.code";

/// What the display shows, with one space between words: a line that was wrapped is one again.
pub(crate) fn shown(machine: &mut Machine) -> Result<String> {
    // Code points as 32 bits each (vcs(4)).
    let encoded = machine.shell()?.run("base64 --wrap=0 /dev/vcsu1")?;
    let bytes = STANDARD.decode(encoded.trim()).context("the display's content is no base64")?;
    let points = bytes.as_chunks().0.iter().map(|point| u32::from_ne_bytes(*point));
    let text: String = points.map(|point| char::from_u32(point).unwrap_or(' ')).collect();
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What it shows once `there` is satisfied with it.
pub(crate) fn wait(machine: &mut Machine, what: &str, there: impl Fn(&str) -> bool) -> Result<String> {
    let end = Instant::now() + LIMIT;
    loop {
        let shown = shown(machine)?;
        if there(&shown) {
            return Ok(shown);
        }
        if Instant::now() > end {
            bail!("the display does not show {what}: {shown}");
        }
        std::thread::sleep(Duration::from_millis(250));
    }
}

fn wait_for_all(machine: &mut Machine, texts: &[String]) -> Result<String> {
    wait(machine, &format!("{texts:?}"), |shown| texts.iter().all(|text| shown.contains(text)))
}

/// Everything is deleted: the German page until Esc, then the English one to its end. The machine is off afterwards.
pub(crate) fn resets_to_factory(machine: &mut Machine) -> Result<()> {
    let german = Instructions::read("de", "factory-reset", "Zurücksetzen an der Box")?;
    machine.qmp()?.press(&german.key(1)?)?;
    let question = german.display(1)?;
    wait_for_all(machine, &question)?;
    german.says(2, "Esc bricht ab")?;
    machine.qmp()?.press("esc")?;
    wait(machine, "no question any more", |shown| question.iter().all(|text| !shown.contains(text)))?;
    machine.qmp()?.press(&Instructions::read("en", "first-meeting", "Setting up")?.key(2)?)?;
    let english = Instructions::read("en", "factory-reset", "Resetting at the box")?;
    wait(machine, "English", |shown| shown.contains("Factory reset"))?;
    machine.qmp()?.press(&english.key(1)?)?;
    let shown = wait_for_all(machine, &english.display(1)?)?;
    english.says(2, "press Enter")?;
    let digits = shown.split_once("type ").and_then(|(_, rest)| rest.split_whitespace().next());
    let digits = digits.filter(|word| word.len() == 4).with_context(|| format!("no four digits: {shown}"))?;
    machine.qmp()?.type_line(digits)?;
    wait_for_all(machine, &english.display(3)?).map(drop)
}

/// After the reset: the last step of the page, and the code is not the one from before.
pub(crate) fn shows_a_setup_code(machine: &mut Machine) -> Result<()> {
    Instructions::read("en", "factory-reset", "Resetting at the box")?.says(4, "new setup code")?;
    let code = machine.shell()?.run(&format!("cat {CODE}"))?;
    ensure!(code.len() >= 8, "no setup code: `{code}`");
    wait(machine, "the setup code", |shown| shown.contains(&code)).map(drop)
}

/// A wrong network is taken back, as the page says.
pub(crate) fn resets_the_network(machine: &mut Machine) -> Result<()> {
    let page = Instructions::read("de", "network", "Zurück zu DHCP ohne Browser")?;
    machine.qmp()?.press(&page.key(1)?)?;
    page.says(2, "Eingabetaste; Esc")?;
    wait(machine, "a question", |shown| shown.contains("Eingabetaste: ja") && shown.contains("Esc: nein"))?;
    machine.qmp()?.press("ret")?;
    wait(machine, "that it is done", |shown| shown.contains("zurückgesetzt")).map(drop)
}
