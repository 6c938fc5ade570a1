//! Prints the register of everything that the daemons store (DM1): Markdown, or JSON with `--json`.

#![allow(clippy::print_stdout, reason = "a command line talks to its caller")]

use plenum_store::{register_json, register_markdown};

fn main() {
    let mut declarations = plenum_signaling::stored_types();
    declarations.extend(plenum_appliance::manager::stored_types());
    if std::env::args().any(|argument| argument == "--json") {
        println!("{}", register_json(&declarations));
    } else {
        println!("{}", register_markdown(&declarations));
    }
}
