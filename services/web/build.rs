//! Embeds the user interface's files (Vite's output) with a gzip and a brotli form of each that gains by it.

#![forbid(unsafe_code)]

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A compressed form must save at least a tenth, or decoding it costs more than it gains.
const WORTH: f64 = 0.9;

fn main() -> io::Result<()> {
    let variable = |name| PathBuf::from(std::env::var_os(name).expect("set by cargo"));
    let dist = variable("CARGO_MANIFEST_DIR").join("ui/dist");
    let out = variable("OUT_DIR");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    if dist.is_dir() {
        list(&dist, &dist, &mut files)?;
    }
    files.sort();
    let mut code = String::from("pub(super) static FILES: &[Embedded] = &[\n");
    for (index, path) in files.iter().enumerate() {
        let source = dist.join(path);
        let plain = fs::read(&source)?;
        let gzip = variant(&out, &format!("{index}.gz"), &plain, gzip(&plain)?)?;
        let brotli = variant(&out, &format!("{index}.br"), &plain, brotli(&plain)?)?;
        writeln!(
            code,
            "    Embedded {{ path: {:?}, plain: include_bytes!({source:?}), gzip: {gzip}, brotli: {brotli} }},",
            format!("/{path}"),
        )
        .expect("writing into a string");
    }
    code.push_str("];\n");
    fs::write(out.join("embedded.rs"), code)
}

/// Paths below `root`, with slashes.
fn list(root: &Path, folder: &Path, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(root, &path, files)?;
        } else {
            let relative = path.strip_prefix(root).expect("below root");
            files.push(relative.to_str().expect("file names of a web page are ASCII").to_owned());
        }
    }
    Ok(())
}

/// Rust code for the compressed form, or for its absence.
fn variant(out: &Path, name: &str, plain: &[u8], compressed: Vec<u8>) -> io::Result<String> {
    if compressed.len() as f64 > plain.len() as f64 * WORTH {
        return Ok("None".to_owned());
    }
    fs::write(out.join(name), compressed)?;
    Ok(format!("Some(include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\")))"))
}

fn gzip(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain)?;
    encoder.finish()
}

fn brotli(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    {
        // Quality 11, a window of 4 MiB.
        let mut encoder = brotli::CompressorWriter::new(&mut compressed, 4096, 11, 22);
        encoder.write_all(plain)?;
    }
    Ok(compressed)
}
