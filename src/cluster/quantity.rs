//! Amounts such as `1Gi`, as far as it takes to compare them.
//!
//! The grammar is that of `k8s.io/apimachinery/pkg/api/resource`: a decimal number, then a binary
//! unit (`Ki` to `Ei`), a decimal one (`n` to `E`), or an exponent (`e3`, `E3`). Like there, what
//! is below a billionth is rounded away from zero.

use serde_json::Value;

/// An amount in billionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Quantity(i128);

/// Decimal places that count.
const PLACES: i32 = 9;

/// Decimal units by their power of ten.
const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

/// Binary units by their power of two.
const BINARY: [(&str, u32); 6] =
    [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

impl Quantity {
    /// Reads what a manifest has: text, or a plain number. `None` when it is no quantity, or far
    /// beyond what Kubernetes can count.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Number(number) => Self::parse(&number.to_string()),
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (sign, unsigned) = match text.as_bytes().first()? {
            b'-' => (-1, &text[1..]),
            b'+' => (1, &text[1..]),
            _ => (1, text),
        };
        let unit_at = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, unit) = unsigned.split_at(unit_at.unwrap_or(unsigned.len()));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.len() + fraction.len() == 0 || fraction.contains('.') {
            return None;
        }
        // Zeros at the end of a fraction say nothing, and would only make the number large.
        let fraction = fraction.trim_end_matches('0');
        let digits: i128 = format!("0{whole}{fraction}").parse().ok()?;
        let places = i32::try_from(fraction.len()).ok()?;
        let (factor, power) = scale(unit)?;
        let billionths = shift(digits.checked_mul(factor)?, power.checked_add(PLACES - places)?)?;
        Some(Self(sign * billionths))
    }
}

/// Returns what a unit multiplies by: a factor, and a power of ten.
fn scale(unit: &str) -> Option<(i128, i32)> {
    if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == unit) {
        return Some((1, *power));
    }
    if let Some((_, power)) = BINARY.iter().find(|(name, _)| *name == unit) {
        return Some((1 << power, 0));
    }
    let exponent = unit.strip_prefix(['e', 'E'])?;
    Some((1, exponent.parse().ok()?))
}

/// Multiplies by a power of ten, and rounds up.
fn shift(number: i128, power: i32) -> Option<i128> {
    match 10_i128.checked_pow(power.unsigned_abs()) {
        Some(factor) if power >= 0 => number.checked_mul(factor),
        Some(factor) => Some(number / factor + i128::from(number % factor > 0)),
        None if number == 0 => Some(0),
        None if power < 0 => Some(1),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_are_compared_whatever_their_unit() {
        for (left, right, expected) in [
            (json!("1Gi"), json!("1024Mi"), Equal),
            (json!("1Gi"), json!("1G"), Greater),
            (json!("1Ki"), json!("1k"), Greater),
            (json!("1.5Gi"), json!("1536Mi"), Equal),
            (json!(".5Gi"), json!("512Mi"), Equal),
            (json!("5."), json!("5"), Equal),
            (json!("10Gi"), json!("9Gi"), Greater),
            (json!("1Ti"), json!("1023Gi"), Greater),
            (json!("1Pi"), json!("1024Ti"), Equal),
            (json!("1Ei"), json!("1E"), Greater),
            (json!("1E"), json!("1e18"), Equal),
            (json!("1E3"), json!("1k"), Equal),
            (json!("1e3"), json!("1000"), Equal),
            (json!("1e-3"), json!("1m"), Equal),
            (json!("1e+3"), json!("1k"), Equal),
            (json!("1000m"), json!("1"), Equal),
            (json!("1u"), json!("1000n"), Equal),
            (json!("0.1n"), json!("1n"), Equal),
            (json!("-1"), json!("0"), Less),
            (json!("-1Gi"), json!("-1Mi"), Less),
            (json!("+1"), json!("1"), Equal),
            (json!("0e999"), json!("0"), Equal),
            (json!(1_073_741_824), json!("1Gi"), Equal),
            (json!(0.5), json!("500m"), Equal),
            (json!("1.0000000000000000000000000000000000000000"), json!("1"), Equal),
            (json!("9223372036854775807"), json!("8Ei"), Less),
        ] {
            let [a, b] = [&left, &right].map(|value| Quantity::read(value).unwrap());
            assert_eq!(a.cmp(&b), expected, "{left} {right}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_not_read() {
        for text in [
            "", "-", ".", "Gi", "1gi", "1GI", "1KI", "1K", "1 Gi", "1..2", "1e", "1Gim", "0x1",
            "1e99",
        ] {
            assert_eq!(Quantity::read(&json!(text)), None, "{text}");
        }
        for value in [json!(null), json!(true), json!(["1"])] {
            assert_eq!(Quantity::read(&value), None, "{value}");
        }
    }
}
