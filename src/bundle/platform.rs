//! Platforms that an image is built for, in the one spelling in which they are compared.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::{digest::serde_as_string, text::printable};

/// An operating system and an architecture, such as `linux/arm64` or `linux/arm/v7`.
///
/// Held in containerd's normal form (`platforms.Normalize`), so that equal platforms are equal
/// values: `linux/aarch64` and `linux/arm64/v8` are `linux/arm64`, `linux/arm` is `linux/arm/v7`,
/// `linux/amd64/v1` is `linux/amd64`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

/// The part of an image's config that tells its platform.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    variant: String,
}

impl Platform {
    /// Makes a platform of its parts in any spelling; an empty `variant` is none.
    ///
    /// # Errors
    /// Fails when a part is not 1 to 63 of `a-z 0-9 _`, or of those and `.` for the variant.
    pub fn new(os: &str, architecture: &str, variant: &str) -> Result<Self, ParsePlatformError> {
        let [os, architecture, variant] = [os, architecture, variant].map(str::to_ascii_lowercase);
        let os = if os == "macos" { "darwin".to_owned() } else { os };
        let (architecture, variant) = normal(&architecture, &variant);
        let is_good = |part: &str| {
            let is_in = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
            (1..=63).contains(&part.len()) && part.bytes().all(is_in)
        };
        let variant_is_good = variant.is_empty() || is_good(&variant.replace('.', "_"));
        if !is_good(&os) || !is_good(architecture) || !variant_is_good {
            let text = [&os, architecture, &variant].join("/");
            return Err(ParsePlatformError { text });
        }
        let variant = (!variant.is_empty()).then_some(variant);
        Ok(Self { os, architecture: architecture.to_owned(), variant })
    }

    /// Reads what the config of an image tells (OCI image specification, `config.md`); nothing if that
    /// is no platform.
    #[must_use]
    pub fn of_config(config: &[u8]) -> Option<Self> {
        let Config { os, architecture, variant } = serde_json::from_slice(config).ok()?;
        Self::new(&os, &architecture, &variant).ok()
    }

    /// Returns the operating system, as Go's `GOOS` spells it.
    #[must_use]
    pub fn os(&self) -> &str {
        &self.os
    }

    /// Returns the architecture, as Go's `GOARCH` spells it.
    #[must_use]
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// Returns the variant, unless it is the one that the architecture means anyway.
    #[must_use]
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }
}

fn normal<'a>(architecture: &'a str, variant: &str) -> (&'a str, String) {
    match (architecture, variant) {
        ("i386", _) => ("386", String::new()),
        ("x86_64" | "amd64", "" | "v1") => ("amd64", String::new()),
        ("x86_64", _) => ("amd64", variant.to_owned()),
        ("aarch64" | "arm64", "" | "8" | "v8" | "v8.0") => ("arm64", String::new()),
        ("aarch64", _) => ("arm64", variant.to_owned()),
        ("armhf", _) | ("arm", "" | "7") => ("arm", "v7".to_owned()),
        ("armel", _) => ("arm", "v6".to_owned()),
        ("arm", "5" | "6" | "8") => ("arm", format!("v{variant}")),
        _ => (architecture, variant.to_owned()),
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}/{}", self.os, self.architecture);
        f.pad(&self.variant.iter().fold(text, |text, variant| text + "/" + variant))
    }
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Platform {
    type Err = ParsePlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || ParsePlatformError { text: text.to_owned() };
        let parts: Vec<_> = text.split('/').collect();
        match parts[..] {
            [os, architecture] => Self::new(os, architecture, ""),
            [os, architecture, variant] if !variant.is_empty() => {
                Self::new(os, architecture, variant)
            }
            _ => Err(bad()),
        }
    }
}

serde_as_string!(Platform);

/// A text that is not a platform.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{}` is not a platform, such as `linux/amd64` or `linux/arm/v7`", printable(text))]
pub struct ParsePlatformError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_platform_has_one_spelling() {
        for (text, normal) in [
            ("linux/amd64", "linux/amd64"),
            ("linux/x86_64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("linux/arm64/v8", "linux/arm64"),
            ("Linux/AArch64", "linux/arm64"),
            ("linux/arm64/v9", "linux/arm64/v9"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/7", "linux/arm/v7"),
            ("linux/armhf", "linux/arm/v7"),
            ("linux/armel", "linux/arm/v6"),
            ("linux/arm/v6", "linux/arm/v6"),
            ("linux/i386", "linux/386"),
            ("macos/arm64", "darwin/arm64"),
            ("unknown/unknown", "unknown/unknown"),
        ] {
            let platform: Platform = text.parse().unwrap();
            assert_eq!(platform.to_string(), normal, "{text}");
            assert_eq!(normal.parse::<Platform>().unwrap(), platform, "{text}");
        }
    }

    #[test]
    fn platforms_sort_as_their_texts() {
        let texts = ["darwin/arm64", "linux/386", "linux/amd64", "linux/amd64/v3", "linux/arm/v7"];
        let platforms = texts.map(|text| text.parse::<Platform>().unwrap());
        assert!(texts.is_sorted() && platforms.is_sorted());
    }

    #[test]
    fn what_is_no_platform_is_refused() {
        let long = "a".repeat(64);
        for text in
            ["", "linux", "linux/", "/amd64", "linux/arm/", "a/b/c/d", "linux/\u{1b}[2J", &long]
        {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
        assert!(format!("linux/{long}").parse::<Platform>().is_err(), "a part of 64 characters");
    }
}
