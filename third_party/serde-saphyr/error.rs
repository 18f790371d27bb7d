use std::{fmt, str::Utf8Error};

use serde::de;
use thiserror::Error;

/// Why a text cannot be read.
#[derive(Debug, Error)]
pub enum Error {
    /// It is no YAML.
    #[error("{0}")]
    Syntax(String),
    /// It is not UTF-8.
    #[error(transparent)]
    Encoding(#[from] Utf8Error),
    /// It has more than one document, or none.
    #[error("there is not one document")]
    Documents,
    /// Its aliases make it large beyond measure.
    #[error("its aliases make it too large")]
    TooLarge,
    /// Lists are in lists, too many of them.
    #[error("it is too deep")]
    TooDeep,
    /// It is not what was wanted.
    #[error("{0}")]
    Content(String),
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Content(message.to_string())
    }
}
