//! The update.
use crate::build::Build;
use crate::payload::Payload;
pub fn make(_: &Build, _: &Payload) -> anyhow::Result<()> {
    Ok(())
}
