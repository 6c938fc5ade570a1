//! `plenum-NAME [--config FILE] [--check | --version | --help]`

use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Run,
    Check,
    Version,
    Help,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) action: Action,
    pub(crate) config: PathBuf,
}

/// Arguments after the program's name. The error is for the person at the terminal.
pub(crate) fn parse(name: &str, arguments: impl Iterator<Item = OsString>) -> Result<Arguments, String> {
    let mut parsed = Arguments { action: Action::Run, config: format!("/etc/plenum/{name}.toml").into() };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--config") => match arguments.next() {
                Some(file) => parsed.config = file.into(),
                None => return Err(format!("--config needs a file.\n{}", usage(name))),
            },
            Some("--check") => parsed.action = Action::Check,
            Some("--version") => parsed.action = Action::Version,
            Some("--help") => parsed.action = Action::Help,
            _ => match argument.to_str().and_then(|text| text.strip_prefix("--config=")) {
                Some(file) => parsed.config = file.into(),
                None => {
                    return Err(format!("unknown argument {}.\n{}", argument.display(), usage(name)));
                }
            },
        }
    }
    Ok(parsed)
}

pub(crate) fn usage(name: &str) -> String {
    format!(
        "Usage: plenum-{name} [--config FILE] [--check | --version | --help]\n\
         \n\
         --config FILE  settings (TOML); /etc/plenum/{name}.toml if not given\n\
         --check        validate the settings and exit\n\
         --version      print the version and exit"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(line: &str) -> Result<Arguments, String> {
        parse("web", line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn arguments() {
        let run = parse_words("--config /x/web.toml").unwrap();
        assert_eq!(run, Arguments { action: Action::Run, config: "/x/web.toml".into() });
        assert_eq!(parse_words("--config=/x/y").unwrap().config, PathBuf::from("/x/y"));
        assert_eq!(parse_words("").unwrap().config, PathBuf::from("/etc/plenum/web.toml"));
        assert_eq!(parse_words("--config a --check").unwrap().action, Action::Check);
        assert!(parse_words("--config").unwrap_err().contains("needs a file"));
        assert!(parse_words("--port 3").unwrap_err().contains("unknown argument --port"));
    }
}
