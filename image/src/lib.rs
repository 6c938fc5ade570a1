//! The image: a bootable disk and a signed update, from plain files and pinned packages.
//!
//! ```text
//! packages/*.list ──lock──► packages/*.lock ──bootstrap──► base root ┐
//! root/ overlay, services/*/ units, users, bus policies, programs ───┴─► root ──repart──► erofs + verity
//!                                              initrd/ + kernel + roothash ──ukify──► UKI (signed)
//!                                                        all of them ──repart──► factory disk, bundle, SBOM
//! ```
//!
//! Every foreign program runs in the *tools root*, a Debian of pinned packages ([`tools`]), so that the
//! machine that builds matters as little as possible. [`build::run`] tells the steps in their order.

#![forbid(unsafe_code)]

pub mod bootstrap;
pub mod build;
pub mod bundle;
pub mod collect;
pub mod credentials;
pub mod digest;
pub mod disk;
pub mod enter;
pub mod files;
pub mod initrd;
pub mod kernel;
pub mod keys;
pub mod licences;
pub mod listening;
pub mod lock;
pub mod microcode;
pub mod packages;
pub mod paths;
pub mod payload;
pub mod root;
pub mod sbom;
pub mod shell;
pub mod strip;
pub mod tools;
pub mod uki;
