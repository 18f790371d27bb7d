//! Canonical JSON (RFC 8785), the only JSON that a bundle holds.
//!
//! One value has one spelling, so that equal content has equal digests. Numbers are integers within
//! ±(2^53 − 1): that is where RFC 8785 and every JSON parser agree, and no Kubernetes object that we
//! write needs more. Nesting is bounded, so that no reader's stack is at risk.
//!
//! Reading is strict by the same code: a document is accepted only if writing what was read gives
//! the same bytes again. That one rule refuses white space, unsorted or doubled keys, other escapes
//! and trailing bytes.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Number, Value};
use thiserror::Error;

use crate::{
    canonical_reader::rewrite,
    text::{Difference, printable},
};

/// Largest integer that every JSON implementation keeps exactly (RFC 8785 §3.2.2.3, RFC 7493 §2.2).
const MAX_INTEGER: i64 = (1 << 53) - 1;

/// Deepest nesting of arrays and objects.
pub(crate) const MAX_DEPTH: usize = 100;

/// Why a value has no canonical form, or why bytes are not canonical JSON of the wanted type.
#[derive(Debug, Error)]
pub enum CanonicalError {
    /// A fraction, an exponent, or an integer that not every reader would keep.
    #[error("number {0} is not an integer within ±(2^53 − 1)")]
    Number(Number),
    /// Arrays and objects inside each other beyond what is read.
    #[error("arrays and objects are nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// Not JSON, or not the expected document. The parser may quote what it read, hence the escapes.
    #[error("{}", printable(&.0.to_string()))]
    Json(serde_json::Error),
    /// A member that is out of order, or there twice.
    #[error("not in canonical form (RFC 8785): member `{}` is out of order or there twice", printable(.0))]
    MemberOrder(String),
    /// JSON, but not in its one canonical spelling.
    #[error("not in canonical form (RFC 8785): {0}")]
    NotCanonical(Difference),
    /// Canonical, but not as this kind of document is written.
    #[error("{0}")]
    NotAsWritten(Difference),
}

impl From<serde_json::Error> for CanonicalError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

/// Encodes `value` as canonical JSON.
///
/// # Errors
/// Fails on a number that is not an integer within ±(2^53 − 1), or nesting deeper than 100.
pub fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    let mut out = Vec::new();
    write_value(&mut out, &serde_json::to_value(value)?, MAX_DEPTH)?;
    Ok(out)
}

/// Decodes canonical JSON and nothing else.
///
/// Takes memory for twice `bytes` and for the `T`, so a `T` that knows its fields is not to be filled
/// with what it does not know.
///
/// # Errors
/// Fails when `bytes` are not JSON, not canonical, or not a `T`.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CanonicalError> {
    match Difference::between(bytes, &rewrite(bytes)?) {
        None => Ok(serde_json::from_slice(bytes)?),
        Some(difference) => Err(CanonicalError::NotCanonical(difference)),
    }
}

/// Decodes a document whose every byte follows from what is read of it: encoding that again must
/// give the same bytes, so that also a member left out or a set out of order is refused.
pub(crate) fn from_exact_bytes<T: Serialize + DeserializeOwned>(
    bytes: &[u8],
) -> Result<T, CanonicalError> {
    let document = from_bytes(bytes)?;
    check_written(bytes, &to_bytes(&document)?)?;
    Ok(document)
}

/// Checks that `bytes` are `written`.
pub(crate) fn check_written(bytes: &[u8], written: &[u8]) -> Result<(), CanonicalError> {
    let difference = Difference::between(bytes, written);
    difference.map_or(Ok(()), |it| Err(CanonicalError::NotAsWritten(it)))
}

fn write_value(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<(), CanonicalError> {
    let inner = || depth.checked_sub(1).ok_or(CanonicalError::TooDeep);
    match value {
        Value::Object(map) => write_object(out, map, inner()?),
        Value::Array(items) => {
            let depth = inner()?;
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(out, item, depth)?;
            }
            out.push(b']');
            Ok(())
        }
        Value::Number(number) => {
            write_integer(out, number).map_err(|()| CanonicalError::Number(number.clone()))
        }
        // Strings, booleans and null: serde_json's escapes are those of RFC 8785 §3.2.2.2.
        _ => Ok(serde_json::to_writer(out, value)?),
    }
}

/// Writes a number that every reader keeps; fails on any other.
pub(crate) fn write_integer(out: &mut Vec<u8>, number: &Number) -> Result<(), ()> {
    let integer = number.as_i64().filter(|it| (-MAX_INTEGER..=MAX_INTEGER).contains(it));
    out.extend_from_slice(integer.ok_or(())?.to_string().as_bytes());
    Ok(())
}

fn write_object(
    out: &mut Vec<u8>,
    map: &Map<String, Value>,
    depth: usize,
) -> Result<(), CanonicalError> {
    let mut members: Vec<_> = map.iter().collect();
    members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push(b'{');
    for (index, (key, value)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, key)?;
        out.push(b':');
        write_value(out, value, depth)?;
    }
    out.push(b'}');
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_have_the_spelling_of_rfc_8785() {
        for (case, value, expected) in [
            (
                "keys sort by UTF-16 code unit",
                json!({"\u{fb33}": 1, "\u{1f600}": 2, "a": 3}),
                "{\"a\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}",
            ),
            (
                "control characters escape minimally",
                json!("\u{8}\t\n\u{c}\r\"\\/\u{f}\u{7f}"),
                "\"\\b\\t\\n\\f\\r\\\"\\\\/\\u000f\u{7f}\"",
            ),
            (
                "nothing is left out",
                json!({"b": null, "a": [true, -1, {}]}),
                "{\"a\":[true,-1,{}],\"b\":null}",
            ),
        ] {
            let bytes = to_bytes(&value).unwrap();
            assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected, "{case}");
            assert_eq!(from_bytes::<Value>(&bytes).unwrap(), value, "{case}");
        }
    }

    #[test]
    fn numbers_that_readers_disagree_on_have_no_canonical_form() {
        for number in [json!(0.5), json!(-0.0), json!(1_u64 << 53), json!(u64::MAX), json!(1e20)] {
            assert!(matches!(to_bytes(&number), Err(CanonicalError::Number(_))), "{number}");
        }
    }

    #[test]
    fn what_is_written_can_be_read_however_deep() {
        let nested = |depth| (0..depth).fold(json!(0), |inner, _| json!([inner]));
        let bytes = to_bytes(&nested(MAX_DEPTH)).unwrap();
        assert_eq!(from_bytes::<Value>(&bytes).unwrap(), nested(MAX_DEPTH));
        let deeper = nested(MAX_DEPTH + 1);
        assert!(matches!(to_bytes(&deeper), Err(CanonicalError::TooDeep)));
        let text = deeper.to_string();
        let read = from_bytes::<Value>(text.as_bytes());
        assert!(matches!(read, Err(CanonicalError::TooDeep)));
        let bomb = "[".repeat(1 << 20);
        let read = from_bytes::<Value>(bomb.as_bytes());
        assert!(matches!(read, Err(CanonicalError::TooDeep)));
    }

    #[test]
    fn only_the_canonical_spelling_is_read() {
        for (case, text) in [
            ("white space", "{\"a\": 1}"),
            ("a trailing newline", "{\"a\":1}\n"),
            ("keys out of order", "{\"b\":1,\"a\":2}"),
            ("a key twice", "{\"a\":1,\"a\":1}"),
            ("an escape that is not needed", "\"\\u0061\""),
            ("an escaped slash", "\"\\/\""),
            ("an integer as a fraction", "1.0"),
            ("a leading plus in the exponent", "1e+2"),
            ("two documents", "1 2"),
            ("nothing", ""),
            ("a lone surrogate", "\"\\ud800\""),
        ] {
            assert!(from_bytes::<Value>(text.as_bytes()).is_err(), "{case}");
        }
    }
}
