//! What is wrong with a configuration: every problem at once, each with its key and line.

use std::fmt;
use std::path::PathBuf;

/// Something in a configuration that is wrong, or, as a warning, likely to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Line of the file from 1, where the key stands in it.
    pub line: Option<usize>,
    /// Full key, such as `kafka.brokers`; empty where the file as a whole is meant.
    pub key: String,
    /// What is wrong and the way out.
    pub message: String,
}

/// A configuration that cannot be used.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file does not say what it must.
    Invalid {
        /// The file, `None` where the text came from elsewhere.
        path: Option<PathBuf>,
        /// Everything that is wrong, in the order of lines; never empty.
        problems: Vec<Problem>,
    },
}

impl Problem {
    /// Makes a problem of a key whose line is filled in later.
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { line: None, key: key.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, .. } => {
                write!(f, "configuration {} cannot be read", path.display())
            }
            Self::Invalid { path, problems } => {
                match path {
                    Some(path) => write!(f, "configuration {} has ", path.display())?,
                    None => f.write_str("the configuration has ")?,
                }
                match problems.as_slice() {
                    [only] => write!(f, "a problem: {only}"),
                    many => {
                        write!(f, "{} problems:", many.len())?;
                        many.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
                    }
                }
            }
        }
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } => Some(source),
            Self::Invalid { .. } => None,
        }
    }
}
