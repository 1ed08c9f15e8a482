//! Reads JSON more strictly than serde does by itself: no duplicate keys, no NUL, bounded depth.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

use crate::kernel::{Code, Error, Result};

/// How many objects and arrays may lie within each other.
const DEPTH: usize = 32;

/// The JSON value in `bytes`, or `malformed_request` with the place of the first fault.
pub fn parse(bytes: &[u8]) -> Result<Value> {
    let malformed = |detail: String| Error::new(Code::MalformedRequest, detail);
    let text = std::str::from_utf8(bytes).map_err(|fault| {
        malformed(format!(
            "The body is not UTF-8: see byte {}.",
            fault.valid_up_to()
        ))
    })?;
    let mut source = serde_json::Deserializer::from_str(text);
    let value = Node { left: DEPTH }
        .deserialize(&mut source)
        .and_then(|value| source.end().map(|()| value));
    value.map_err(|fault| malformed(format!("The body is not valid JSON: {fault}.")))
}

/// The SHA-256 of a value, the same for every order of keys and every spacing.
pub fn digest(value: &Value) -> [u8; 32] {
    let mut hash = Sha256::new();
    feed(&mut hash, value);
    hash.finalize().into()
}

fn feed(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Array(items) => {
            hash.update(b"[");
            for item in items {
                feed(hash, item);
                hash.update(b",");
            }
            hash.update(b"]");
        }
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            hash.update(b"{");
            for (key, member) in members {
                // A Value renders text as JSON, so quotes inside keys are escaped.
                feed(hash, &Value::String(key.clone()));
                hash.update(b":");
                feed(hash, member);
                hash.update(b",");
            }
            hash.update(b"}");
        }
        plain => hash.update(plain.to_string()),
    }
}

/// Builds one value of which `left` more levels may follow.
struct Node {
    left: usize,
}

impl Node {
    fn deeper<E: serde::de::Error>(&self) -> Result<usize, E> {
        self.left
            .checked_sub(1)
            .ok_or_else(|| E::custom(format!("more than {DEPTH} levels of nesting")))
    }
}

fn without_nul<E: serde::de::Error>(text: &str) -> Result<&str, E> {
    if text.contains('\0') {
        return Err(E::custom("the NUL character is not allowed"));
    }
    Ok(text)
}

impl<'de> DeserializeSeed<'de> for Node {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number out of range"))?;
        Ok(Value::Number(number))
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        without_nul(text).map(Value::from)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let left = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Node { left })? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let left = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            without_nul::<A::Error>(&key)?;
            if map.contains_key(&key) {
                return Err(A::Error::custom("a key occurs twice in one object"));
            }
            let member = members.next_value_seed(Node { left })?;
            map.insert(key, member);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &[u8]) -> String {
        let error = parse(text).expect_err("refused");
        assert_eq!(error.code(), Code::MalformedRequest);
        error.detail().to_owned()
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        assert!(refusal(b"{\"a\":1,\n\"a\":2}").contains("line 2 column"));
        assert!(refusal(br#"{"x":[{"a":1,"a":1}]}"#).contains("twice"));
        assert!(refusal(br#"{"a":1,"\u0061":1}"#).contains("twice"));
        assert!(refusal(br#"{"a":"x\u0000"}"#).contains("NUL"));
        assert!(refusal(br#"{"\u0000":1}"#).contains("NUL"));
        assert!(refusal(b"{\"a\":\"\0\"}").contains("line 1"));
        assert!(refusal(br#"{"a":"\ud800"}"#).contains("line 1"));
        assert!(refusal(br#"{"a":"\udc00"}"#).contains("line 1"));
        assert!(refusal(b"{} x").contains("trailing"));
        assert!(refusal(b"\"\xff\"").contains("byte 1"));
        for broken in ["{", "[1,]", "{'a':1}", "nul", "1e999", "\u{feff}{}", "NaN"] {
            refusal(broken.as_bytes());
        }
    }

    #[test]
    fn thirty_two_levels_are_read_and_one_more_is_not() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(nested(32).as_bytes()).is_ok());
        assert!(refusal(nested(33).as_bytes()).contains("nesting"));
        refusal(nested(100_000).as_bytes());
    }

    #[test]
    fn the_digest_depends_on_the_value_and_not_on_its_spelling() {
        let of = |text: &str| digest(&parse(text.as_bytes()).expect("JSON"));
        assert_eq!(
            of(r#"{"a":1,"b":{"d":2,"c":[true]}}"#),
            of("{ \"b\":{\"c\":[true],\"d\":2}, \"\\u0061\":1 }")
        );
        assert_ne!(of("[1,2]"), of("[2,1]"));
        assert_ne!(of(r#"{"a":"1"}"#), of(r#"{"a":1}"#));
        assert_ne!(of(r#"["a,b"]"#), of(r#"["a","b"]"#));
    }
}
