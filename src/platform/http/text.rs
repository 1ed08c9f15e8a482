//! The value of a query parameter as a serde deserializer: text that becomes whatever type is
//! asked of it.

use serde::de::value::StrDeserializer;
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};

use crate::kernel::text::Refusal;

/// One value.
pub(super) struct Text<'a>(pub &'a str);

impl<'a> IntoDeserializer<'a, serde::de::value::Error> for Text<'a> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident => $visit:ident, $what:literal;)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_other) => Err(Self::Error::custom(Refusal::new("wrong_type", $what))),
            }
        }
    )+};
}

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_enum(StrDeserializer::new(self.0))
    }

    /// serde asks for this when the type has no such field: a parameter is never ignored, even
    /// where the type forgot to deny unknown fields.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Self::Error::custom(Refusal::new(
            "unknown_parameter",
            "There is no such parameter.",
        )))
    }

    parsed! {
        deserialize_bool => visit_bool, "Expected `true` or `false`.";
        deserialize_i8 => visit_i8, "Expected a whole number.";
        deserialize_i16 => visit_i16, "Expected a whole number.";
        deserialize_i32 => visit_i32, "Expected a whole number.";
        deserialize_i64 => visit_i64, "Expected a whole number.";
        deserialize_u8 => visit_u8, "Expected a whole number, not negative.";
        deserialize_u16 => visit_u16, "Expected a whole number, not negative.";
        deserialize_u32 => visit_u32, "Expected a whole number, not negative.";
        deserialize_u64 => visit_u64, "Expected a whole number, not negative.";
        deserialize_f32 => visit_f32, "Expected a number.";
        deserialize_f64 => visit_f64, "Expected a number.";
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
    }
}
