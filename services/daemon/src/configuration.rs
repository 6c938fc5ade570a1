//! A settings file: read, parsed into its type, validated. An error names the file, the line, the key, the
//! value and what to do.

use plenum_protocol::settings::CommonSettings;
use serde::de::DeserializeOwned;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// The settings of one daemon.
pub trait Settings: DeserializeOwned + Default {
    fn common(&self) -> &CommonSettings;
    /// What the type cannot say: ranges, and keys that depend on each other.
    fn validate(&self) -> Result<(), Invalid>;
}

/// A value that the type allows and the daemon does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Dotted, as in `relay.port`.
    pub key: String,
    pub value: String,
    pub problem: String,
    pub remedy: String,
}

impl Invalid {
    pub fn new(key: &str, value: impl fmt::Display, problem: &str, remedy: &str) -> Self {
        Invalid {
            key: key.to_owned(),
            value: value.to_string(),
            problem: problem.to_owned(),
            remedy: remedy.to_owned(),
        }
    }
}

#[derive(Debug)]
pub enum ConfigurationError {
    Unreadable { file: PathBuf, source: std::io::Error },
    Malformed { file: PathBuf, line: usize, text: String, problem: String },
    Invalid { file: PathBuf, line: Option<usize>, invalid: Box<Invalid> },
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigurationError::Unreadable { file, source } => write!(
                f,
                "{}: the settings cannot be read: {source}. Create the file (an empty one means every \
                 default) or name another with --config.",
                file.display()
            ),
            ConfigurationError::Malformed { file, line, text, problem } => write!(
                f,
                "{}:{line}: `{text}`: {problem}. Correct the line or remove it (then the default applies).",
                file.display()
            ),
            ConfigurationError::Invalid { file, line, invalid } => {
                let Invalid { key, value, problem, remedy } = invalid.as_ref();
                match line {
                    Some(line) => write!(f, "{}:{line}: ", file.display())?,
                    None => write!(f, "{} (default): ", file.display())?,
                }
                write!(f, "`{key} = {value}`: {problem}. {remedy}.")
            }
        }
    }
}

impl std::error::Error for ConfigurationError {}

pub fn load<S: Settings>(file: &Path) -> Result<S, ConfigurationError> {
    let text = std::fs::read_to_string(file)
        .map_err(|source| ConfigurationError::Unreadable { file: file.to_owned(), source })?;
    parse(file, &text)
}

/// `file` only names the source in errors.
pub fn parse<S: Settings>(file: &Path, text: &str) -> Result<S, ConfigurationError> {
    let settings: S = toml::from_str(text).map_err(|error| malformed(file, text, &error))?;
    settings.validate().map_err(|invalid| ConfigurationError::Invalid {
        file: file.to_owned(),
        line: line_of_key(text, &invalid.key),
        invalid: Box::new(invalid),
    })?;
    Ok(settings)
}

fn malformed(file: &Path, text: &str, error: &toml::de::Error) -> ConfigurationError {
    let line = error.span().map_or(1, |span| line_at(text, span));
    let text = text.lines().nth(line - 1).unwrap_or("").trim().to_owned();
    let problem = error.message().trim_end_matches('.').replace('\n', ", ");
    ConfigurationError::Malformed { file: file.to_owned(), line, text, problem }
}

fn line_at(text: &str, span: Range<usize>) -> usize {
    let start = span.start.min(text.len());
    1 + text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count()
}

/// The line on which a dotted key stands, if it stands in the file at all.
fn line_of_key(text: &str, key: &str) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let mut table = root.get_ref();
    let mut parts = key.split('.').peekable();
    loop {
        let part = parts.next()?;
        let (found, value) = table.iter().find(|(name, _)| name.get_ref() == part)?;
        if parts.peek().is_none() {
            return Some(line_at(text, found.span()));
        }
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenum_protocol::settings::{SignalingSettings, WebSettings};

    fn error_of<S: Settings>(text: &str) -> String {
        match parse::<S>(Path::new("/etc/plenum/x.toml"), text) {
            Ok(_) => panic!("accepted: {text}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_empty_file_means_every_default() {
        let settings: WebSettings = parse(Path::new("x"), "").unwrap();
        assert_eq!(settings, WebSettings::default());
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = error_of::<WebSettings>("tls12 = true\n\nmax_conections = 3\n");
        assert!(error.starts_with("/etc/plenum/x.toml:3: `max_conections = 3`: unknown field"), "{error}");
        assert!(error.contains("max_connections"), "{error}");
    }

    #[test]
    fn a_wrong_type_is_named_with_its_line() {
        let error = error_of::<WebSettings>("\ntls12 = \"yes\"\n");
        assert!(error.starts_with("/etc/plenum/x.toml:2: `tls12 = \"yes\"`: invalid type"), "{error}");
    }

    #[test]
    fn a_syntax_error_is_named_with_its_line() {
        let error = error_of::<WebSettings>("tls12 = true\nnames = [\"a\"\n");
        assert!(error.starts_with("/etc/plenum/x.toml:"), "{error}");
        assert!(error.contains("Correct the line"), "{error}");
    }

    #[test]
    fn an_invalid_value_is_named_with_key_value_line_and_remedy() {
        let error = error_of::<SignalingSettings>("max_people = 10\n[relay]\ncredential_seconds = 1\n");
        assert!(error.starts_with("/etc/plenum/x.toml:3: `relay.credential_seconds = 1`: "), "{error}");
        assert!(error.contains("Set it to"), "{error}");
    }

    #[test]
    fn a_missing_file_says_what_to_do() {
        let error = load::<WebSettings>(Path::new("/nonexistent/web.toml")).unwrap_err().to_string();
        assert!(error.starts_with("/nonexistent/web.toml: "), "{error}");
        assert!(error.contains("--config"), "{error}");
    }
}
