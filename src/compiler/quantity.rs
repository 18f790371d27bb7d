//! Amounts of CPU and memory, as Kubernetes writes them.

use std::fmt;

use serde::Deserialize;

use crate::text::{TextError, digits, format_schema};

/// The grammar of [`Cpu`] in words.
pub(crate) const CPU: &str = "a CPU quantity such as `250m` or `2`";

/// The grammar of [`Memory`] in words.
pub(crate) const MEMORY: &str = "a memory quantity such as `256Mi` or `2Gi`";

/// An amount of CPU, in thousandths of a core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Cpu(u64);

/// An amount of memory or storage, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Memory(u64);

format_schema!(Cpu, "cpu");
format_schema!(Memory, "memory");

impl Cpu {
    /// Returns the amount in thousandths of a core.
    #[must_use]
    pub fn millicores(self) -> u64 {
        self.0
    }

    /// Returns `count` times the amount.
    #[must_use]
    pub fn times(self, count: u32) -> Self {
        Self(self.0.saturating_mul(u64::from(count)))
    }

    /// Returns the sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Memory {
    /// Makes an amount of bytes.
    pub(crate) const fn of(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Makes an amount of whole mebibytes.
    pub(crate) const fn from_mebibytes(mebibytes: u64) -> Self {
        Self(mebibytes.saturating_mul(1 << 20))
    }

    /// Returns the amount in whole mebibytes; what is less than one is left out.
    pub(crate) const fn mebibytes(self) -> u64 {
        self.0 >> 20
    }

    /// Returns the amount in bytes.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// Returns `count` times the amount.
    #[must_use]
    pub fn times(self, count: u32) -> Self {
        Self(self.0.saturating_mul(u64::from(count)))
    }

    /// Returns the sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// Reads whole cores, decimal fractions down to a thousandth, or thousandths with `m`.
pub(crate) fn parse_cpu(text: &str) -> Option<u64> {
    if let Some(millicores) = text.strip_suffix('m') {
        return digits(millicores);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.len() > 3 {
        return None;
    }
    let fraction = digits(&format!("{fraction:0<3}"))?;
    digits::<u64>(whole)?.checked_mul(1000)?.checked_add(fraction)
}

/// Reads whole bytes, with a binary unit (`Ki` to `Ti`) or a decimal one (`k` to `T`).
pub(crate) fn parse_memory(text: &str) -> Option<u64> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let factor = match unit {
        "" => 1,
        "k" => 1000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        _ => BINARY_UNITS.iter().find(|(name, _)| *name == unit)?.1,
    };
    digits::<u64>(number)?.checked_mul(factor)
}

const BINARY_UNITS: [(&str, u64); 4] =
    [("Ti", 1 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)];

impl TryFrom<String> for Cpu {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        parse_cpu(&text).map(Self).ok_or(TextError { text, expected: CPU })
    }
}

impl TryFrom<String> for Memory {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        parse_memory(&text).map(Self).ok_or(TextError { text, expected: MEMORY })
    }
}

impl fmt::Display for Cpu {
    /// Writes the one form that the API server keeps: `1`, `1500m`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 1000, self.0 % 1000) {
            (cores, 0) => write!(f, "{cores}"),
            _ => write!(f, "{}m", self.0),
        }
    }
}

impl fmt::Display for Memory {
    /// Writes the largest binary unit that needs no fraction, as the API server keeps it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, factor) in BINARY_UNITS {
            if self.0 > 0 && self.0.is_multiple_of(factor) {
                return write!(f, "{}{unit}", self.0 / factor);
            }
        }
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cpu_quantity_is_written_as_the_api_server_keeps_it() {
        for (text, written) in [
            ("250m", Some("250m")),
            ("1000m", Some("1")),
            ("1.5", Some("1500m")),
            ("0.25", Some("250m")),
            ("2", Some("2")),
            ("500x", None),
            ("", None),
            ("-1", None),
            ("0.0001", None),
            ("99999999999999999999", None),
        ] {
            let cpu = Cpu::try_from(text.to_owned()).ok().map(|cpu| cpu.to_string());
            assert_eq!(cpu.as_deref(), written, "{text}");
        }
    }

    #[test]
    fn a_memory_quantity_is_written_as_the_api_server_keeps_it() {
        for (text, written) in [
            ("256Mi", Some("256Mi")),
            ("1024Mi", Some("1Gi")),
            ("1536Mi", Some("1536Mi")),
            ("1M", Some("1000000")),
            ("10", Some("10")),
            ("0", Some("0")),
            ("10MB", None),
            ("Mi", None),
            ("1.5Gi", None),
        ] {
            let memory = Memory::try_from(text.to_owned()).ok().map(|memory| memory.to_string());
            assert_eq!(memory.as_deref(), written, "{text}");
        }
    }
}
