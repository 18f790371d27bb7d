//! Writes JSON again in canonical form while it is read, without a tree of what it says.
//!
//! A tree of hostile JSON takes about a hundred times its bytes. Who reads a document of somebody who
//! signed nothing must not pay that before its type has refused it.

use std::fmt;

use serde::{
    Deserializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

use crate::canonical::{CanonicalError, MAX_DEPTH, write_integer};

/// Returns the canonical form of `bytes`, which are JSON with sorted members.
///
/// # Errors
/// Fails on what is not JSON or has no canonical form, and on members out of order or there twice.
pub(crate) fn rewrite(bytes: &[u8]) -> Result<Vec<u8>, CanonicalError> {
    let mut out = Out { bytes: Vec::with_capacity(bytes.len()), refusal: None };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = Canonical { out: &mut out, depth: MAX_DEPTH }.deserialize(&mut reader);
    // What the reader says of a refusal of ours has a place in the text, but no kind.
    if let Some(refusal) = out.refusal {
        return Err(refusal);
    }
    read.and_then(|()| reader.end())?;
    Ok(out.bytes)
}

struct Out {
    bytes: Vec<u8>,
    /// Why reading was ended by us.
    refusal: Option<CanonicalError>,
}

impl Out {
    fn refuse<E: de::Error>(&mut self, refusal: CanonicalError) -> E {
        self.refusal = Some(refusal);
        E::custom("refused")
    }

    fn text<E: de::Error>(&mut self, text: &str) -> Result<(), E> {
        // serde_json's escapes are those of RFC 8785 §3.2.2.2.
        serde_json::to_writer(&mut self.bytes, text).map_err(E::custom)
    }

    fn number<E: de::Error>(&mut self, number: Number) -> Result<(), E> {
        let written = write_integer(&mut self.bytes, &number);
        written.map_err(|()| self.refuse(CanonicalError::Number(number)))
    }
}

/// Reads one value.
struct Canonical<'a> {
    out: &'a mut Out,
    /// How much deeper values may be nested.
    depth: usize,
}

impl Canonical<'_> {
    fn inner<E: de::Error>(&mut self) -> Result<usize, E> {
        let depth = self.depth.checked_sub(1);
        depth.ok_or_else(|| self.out.refuse(CanonicalError::TooDeep))
    }
}

impl<'de> DeserializeSeed<'de> for Canonical<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Canonical<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.out.bytes.extend_from_slice(b"null");
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        let text: &[u8] = if value { b"true" } else { b"false" };
        self.out.bytes.extend_from_slice(text);
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<(), E> {
        self.out.number(number.into())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<(), E> {
        self.out.number(number.into())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<(), E> {
        match Number::from_f64(number) {
            Some(number) => self.out.number(number),
            None => Err(E::custom("a number that is not finite")),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.out.text(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let depth = self.inner()?;
        let out = self.out;
        out.bytes.push(b'[');
        let empty = out.bytes.len();
        loop {
            let end = out.bytes.len();
            if end > empty {
                out.bytes.push(b',');
            }
            if items.next_element_seed(Canonical { out: &mut *out, depth })?.is_none() {
                out.bytes.truncate(end);
                out.bytes.push(b']');
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let depth = self.inner()?;
        let out = self.out;
        out.bytes.push(b'{');
        let mut before: Option<String> = None;
        while let Some(name) = members.next_key::<String>()? {
            if let Some(before) = &before {
                if !before.encode_utf16().lt(name.encode_utf16()) {
                    return Err(out.refuse(CanonicalError::MemberOrder(name)));
                }
                out.bytes.push(b',');
            }
            out.text(&name)?;
            out.bytes.push(b':');
            members.next_value_seed(Canonical { out: &mut *out, depth })?;
            before = Some(name);
        }
        out.bytes.push(b'}');
        Ok(())
    }
}
