//! The box's manager: updates and boot health.

#![forbid(unsafe_code)]

pub mod admission;
pub mod machine;
pub mod unpack;
