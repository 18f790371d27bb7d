//! Refuses the members of a JSON object that some readers take for one of ours.
//!
//! Go's `encoding/json`, in which registries and container runtimes are written, takes a member for a
//! field if their names are equal without regard to case, and the last one counts. So
//! `{"layers":[A],"Layers":[B]}` is `A` to a reader that is exact, and `B` to one in Go. Such a member
//! is refused, whether or not the exact one stands beside it.

use std::borrow::Cow;

use serde::{
    Deserializer, de,
    de::{DeserializeSeed, IntoDeserializer, MapAccess, Visitor},
    forward_to_deserialize_any,
};

/// Reads a struct from a JSON object, whose members are called as its fields are or like none of
/// them. To be used with `#[serde(remote = "Self")]`.
pub(crate) struct ExactNames<D>(pub(crate) D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ExactNames<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(name, fields, ObjectOnly { visitor, name, fields })
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Takes an object; a list, which derived code would take too, is refused.
struct ObjectOnly<V> {
    visitor: V,
    name: &'static str,
    fields: &'static [&'static str],
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ObjectOnly<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a JSON object ({})", self.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Checked { map, fields: self.fields })
    }
}

/// Members whose names were looked at.
struct Checked<A> {
    map: A,
    fields: &'static [&'static str],
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Checked<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let Some(name) = self.map.next_key::<Cow<'de, str>>()? else {
            return Ok(None);
        };
        if let Some(field) = self.fields.iter().find(|field| is_mistakable(&name, field)) {
            let message = format!("`{name}` is `{field}` to readers that ignore case");
            return Err(de::Error::custom(message));
        }
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// Returns whether two names differ, but are equal by Unicode's simple case folding; `field` is ASCII.
///
/// Of all other letters, only ſ (U+017F) and K (the Kelvin sign, U+212A) fold to ASCII
/// (`CaseFolding.txt`, status C and S).
fn is_mistakable(name: &str, field: &str) -> bool {
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        _ => c.to_ascii_lowercase(),
    };
    name != field && name.chars().map(fold).eq(field.chars().map(fold))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_mistaken_by_their_letters_not_by_their_case() {
        for (case, name, field, expected) in [
            ("the same", "layers", "layers", false),
            ("upper case", "LAYERS", "layers", true),
            ("lower case", "mediatype", "mediaType", true),
            ("a long s", "layer\u{17f}", "layers", true),
            ("the Kelvin sign", "\u{212a}ey", "key", true),
            ("another letter", "layerz", "layers", false),
            ("a letter more", "layerss", "layers", false),
            ("a letter fewer", "layer", "layers", false),
            ("a dotless i, which folds to nothing else", "s\u{131}ze", "size", false),
        ] {
            assert_eq!(is_mistakable(name, field), expected, "{case}");
        }
    }
}
