//! The operations manual in the hands of somebody before the machine: its commands are run, its keys are pressed, and
//! what it says of the display has to stand there. A page that says something else than the box does fails its check.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;

/// The numbered steps under a heading of a page.
pub(crate) struct Instructions {
    place: String,
    /// From 1; each without its number, in one line.
    steps: Vec<String>,
}

impl Instructions {
    pub(crate) fn read(language: &str, page: &str, heading: &str) -> Result<Instructions> {
        let place = format!("docs/operations/{language}/{page}.md, {heading}");
        let text = text(language, page)?;
        let (_, section) =
            text.split_once(&format!("\n## {heading}\n")).with_context(|| format!("{place} is not there"))?;
        let section = section.split("\n## ").next().unwrap_or_default();
        let mut steps: Vec<String> = Vec::new();
        for paragraph in section.split("\n\n") {
            for line in paragraph.lines() {
                match line.split_once(". ") {
                    Some((number, step)) if number == (steps.len() + 1).to_string() => {
                        steps.push(step.into())
                    }
                    // What goes on with a step is indented.
                    _ if line.starts_with("   ") => {
                        let step = steps.last_mut().with_context(|| format!("{place}: `{line}`"))?;
                        *step += &format!(" {}", line.trim());
                    }
                    _ => {}
                }
            }
        }
        Ok(Instructions { place, steps })
    }

    fn step(&self, number: usize) -> Result<&str> {
        let step = number.checked_sub(1).and_then(|index| self.steps.get(index));
        step.map(String::as_str).with_context(|| format!("{} has no step {number}", self.place))
    }

    /// The only key that a step names in bold, as QEMU calls it.
    pub(crate) fn key(&self, number: usize) -> Result<String> {
        let step = self.step(number)?;
        let mut keys = step.split("**").skip(1).step_by(2).filter(|bold| bold.chars().count() == 1);
        let key = keys.next().with_context(|| format!("{}, step {number} names no key", self.place))?;
        Ok(key.to_lowercase())
    }

    /// What a step says of the display, between quotation marks; three dots stand for what is left out.
    pub(crate) fn display(&self, number: usize) -> Result<Vec<String>> {
        let step = self.step(number)?;
        let (begin, end) = if step.contains('„') { ('„', '“') } else { ('“', '”') };
        let quoted = step.split(begin).skip(1).filter_map(|rest| rest.split(end).next());
        let parts = quoted.flat_map(|quoted| quoted.split('…')).map(|part| part.trim().to_owned());
        let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
        ensure!(!parts.is_empty(), "{}, step {number} says nothing of the display", self.place);
        Ok(parts)
    }

    /// Fails unless a step has these words, for the keys that have names.
    pub(crate) fn says(&self, number: usize, word: &str) -> Result<()> {
        let step = self.step(number)?;
        ensure!(step.contains(word), "{}, step {number} does not say “{word}”: {step}", self.place);
        Ok(())
    }
}

/// The commands of a page that contain this, as they stand there in both languages.
pub(crate) fn commands(page: &str, what: &str) -> Result<String> {
    let block = |language: &str| {
        let text = text(language, page)?;
        let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```"));
        let found = blocks.map(|(block, _)| block.to_owned()).find(|block| block.contains(what));
        found.with_context(|| format!("the manual ({language}) does not say how to {what}"))
    };
    let (german, english) = (block("de")?, block("en")?);
    ensure!(german == english, "the manuals differ:\n{german}\n{english}");
    Ok(english)
}

fn text(language: &str, page: &str) -> Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("tests/ lies in the root")?;
    let path = root.join(format!("docs/operations/{language}/{page}.md"));
    fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))
}
