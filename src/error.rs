//! One error type: what went wrong, of which kind, and what to do next.
//!
//! Input that cannot be read is not an error: it is a row in `rejects` (file, offset, reason) and the run goes on. An
//! [`Error`] ends the run. No error text holds a part of a payload.

use std::fmt;
use std::path::Path;

/// What an error means for the caller; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The command line, the configuration or the SQL is wrong: exit code 2.
    Usage,
    /// The work could not be finished: exit code 3.
    Failed,
}

/// What ended a run.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
}

/// The result of everything that can end a run.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The caller asked for something that cannot be.
    pub fn usage(message: impl Into<String>) -> Self {
        Error { kind: ErrorKind::Usage, message: message.into(), hint: None }
    }

    /// The work could not be finished.
    pub fn failed(message: impl Into<String>) -> Self {
        Error { kind: ErrorKind::Failed, message: message.into(), hint: None }
    }

    /// An operation on a file failed.
    pub fn io(what: &str, path: &Path, error: &std::io::Error) -> Self {
        Error::failed(format!("cannot {what} {}: {error}", path.display())).advised()
    }

    /// With advice where the text tells that the system refused: libraries wrap its errors until only their text is left.
    fn advised(self) -> Self {
        let says = |words: &[&str]| words.iter().any(|word| self.message.contains(word));
        if says(&["No space left", "File too large", "quota exceeded"]) {
            self.hint("free some space and run again; nothing was lost")
        } else if says(&["Permission denied", "Read-only file system", "Operation not permitted"]) {
            self.hint("check the permissions of this path, or write elsewhere")
        } else {
            self
        }
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says in what it went wrong.
    #[must_use]
    pub fn within(self, what: &str) -> Self {
        Error { message: format!("{what}: {}", self.message), ..self }
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The exit code that scripts rely on.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            ErrorKind::Usage => 2,
            ErrorKind::Failed => 3,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

macro_rules! failed_from {
    ($($type:ty => $what:literal),+ $(,)?) => {$(
        impl From<$type> for Error {
            fn from(error: $type) -> Self {
                Error::failed(format!(concat!($what, ": {}"), error)).advised()
            }
        }
    )+};
}

failed_from! {
    delta_kernel::Error => "the mart's log",
    parquet::errors::ParquetError => "a Parquet file",
    arrow::error::ArrowError => "a columnar batch",
    polars::error::PolarsError => "a result frame",
    std::io::Error => "input or output",
}

/// Wrong SQL is the caller's; all else could not be finished.
impl From<duckdb::Error> for Error {
    fn from(error: duckdb::Error) -> Self {
        let text = error.to_string();
        // DuckDB's own advice names settings that the program does not offer.
        let text = text.split("\n\nPossible solutions").next().unwrap_or(&text);
        if ["Parser Error", "Binder Error", "Catalog Error"].iter().any(|kind| text.contains(kind)) {
            Error::usage(text)
        } else if text.contains("Out of Memory") || text.contains("failed to allocate") {
            Error::failed(text).hint("give it more memory, such as --set limits.memory=8GB")
        } else {
            Error::failed(format!("the query engine: {text}")).advised()
        }
    }
}
