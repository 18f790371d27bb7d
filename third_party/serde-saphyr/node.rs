//! A document, and how serde reads it.

use serde::{
    de::{
        self, Deserializer, IntoDeserializer, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

use crate::error::Error;

/// A part of a document.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Scalar { text: String, is_plain: bool },
    Sequence(Vec<Self>),
    Mapping(Vec<(Self, Self)>),
}

impl Node {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Scalar { text, is_plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// Returns the number of nodes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Scalar { .. } => 1,
            Self::Sequence(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Self::Mapping(pairs) => {
                1 + pairs.iter().map(|(key, value)| key.size() + value.size()).sum::<usize>()
            }
        }
    }
}

impl<'de> Deserializer<'de> for Node {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_null() {
            return visitor.visit_unit();
        }
        match self {
            Self::Scalar { text, is_plain: true } => match text.as_str() {
                "true" | "True" | "TRUE" => visitor.visit_bool(true),
                "false" | "False" | "FALSE" => visitor.visit_bool(false),
                _ => number(&text, visitor).unwrap_or_else(|visitor| visitor.visit_string(text)),
            },
            Self::Scalar { text, .. } => visitor.visit_string(text),
            Self::Sequence(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter())),
            Self::Mapping(pairs) => visitor.visit_map(MapDeserializer::new(pairs.into_iter())),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Scalar { text, .. } => visitor.visit_string(text),
            node => node.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// Enums without content, which is all that kubeconfigs have.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::Scalar { text, .. } => visitor.visit_enum(text.into_deserializer()),
            _ => Err(de::Error::custom("invalid type: expected the name of a variant")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Visits the number that `text` is, or gives the visitor back.
fn number<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<Result<V::Value, Error>, V> {
    if let Ok(number) = text.parse() {
        return Ok(visitor.visit_u64(number));
    }
    if let Ok(number) = text.parse() {
        return Ok(visitor.visit_i64(number));
    }
    // Rust reads words like `inf` as numbers, too.
    let is_number = text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first))
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    match text.parse() {
        Ok(number) if is_number => Ok(visitor.visit_f64(number)),
        _ => Err(visitor),
    }
}
