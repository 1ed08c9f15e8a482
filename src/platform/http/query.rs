//! The query string, read strictly: what cannot be decoded or stands twice is 400, an unknown
//! parameter or a wrong value is 422.

use serde::de::DeserializeOwned;
use serde::de::value::MapDeserializer;

use super::fault;
use super::text::Text;
use crate::kernel::{Code, Error, FieldError, Result};

/// No operation takes nearly as many.
const MOST_PARAMETERS: usize = 64;

/// The decoded parameters, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query string of a request.
    pub fn parse(raw: &str) -> Result<Self> {
        let mut pairs = Vec::new();
        if raw.split('&').nth(MOST_PARAMETERS).is_some() {
            let detail = format!("A query has at most {MOST_PARAMETERS} parameters.");
            return Err(Error::new(Code::MalformedRequest, detail));
        }
        for part in raw.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            pairs.push((decode(name)?, decode(value)?));
        }
        pairs.sort();
        let twice = pairs
            .iter()
            .zip(pairs.iter().skip(1))
            .find(|(one, next)| one.0 == next.0);
        if let Some(((name, _), _)) = twice {
            let detail = format!("The query parameter `{name}` stands more than once.");
            return Err(Error::new(Code::MalformedRequest, detail));
        }
        Ok(Self(pairs))
    }

    /// Takes one parameter out.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.remove(index).1)
    }

    /// The parameters and then `more`, encoded again.
    pub fn encode(&self, more: &[(&str, &str)]) -> String {
        let own = self
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<_> = own.chain(more.iter().copied()).collect();
        // Pairs of text always encode.
        serde_urlencoded::to_string(all).unwrap_or_default()
    }

    /// Makes a `T` of the parameters, or tells all that are at fault.
    pub fn read<T: DeserializeOwned>(mut self) -> Result<T> {
        let mut faults: Vec<FieldError> = Vec::new();
        loop {
            let pairs = self
                .0
                .iter()
                .map(|(name, value)| (name.as_str(), Text(value)));
            let source = MapDeserializer::<_, serde::de::value::Error>::new(pairs);
            let failure = match serde_path_to_error::deserialize::<_, T>(source) {
                Ok(read) if faults.is_empty() => return Ok(read),
                Ok(_without_the_faulty) => return Err(Error::invalid(faults)),
                Err(failure) => failure,
            };
            let mut fault = fault::read(&failure.inner().to_string());
            let missing = fault.missing.take();
            let name = missing.or_else(|| fault::steps(failure.path()).into_iter().next());
            let name = name.unwrap_or_default();
            if fault.code == "unknown_field" {
                fault.code = "unknown_parameter".into();
                fault.detail = fault.detail.replace("such member", "such parameter");
            } else if fault.code == "required" {
                "This parameter is required.".clone_into(&mut fault.detail);
            }
            let pointer = format!("?{name}");
            if faults.iter().all(|told| told.pointer != pointer) {
                faults.push(fault.at(pointer));
            }
            // The next round is without it, and a round that removes nothing is the last.
            if self.take(&name).is_none() {
                return Err(Error::invalid(faults));
            }
        }
    }
}

fn decode(text: &str) -> Result<String> {
    let malformed = || {
        Error::new(
            Code::MalformedRequest,
            "The query string is not percent-encoded UTF-8 without NUL.",
        )
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let high = digit().ok_or_else(malformed)?;
                let low = digit().ok_or_else(malformed)?;
                u8::try_from(high * 16 + low).map_err(|_two_digits_fit| malformed())?
            }
            plain => plain,
        });
    }
    if bytes.contains(&0) {
        return Err(malformed());
    }
    String::from_utf8(bytes).map_err(|_not_utf8| malformed())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Order {
        Newest,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Filter {
        q: String,
        order: Option<Order>,
        after: Option<u32>,
        #[serde(default)]
        grouped: bool,
    }

    fn read(raw: &str) -> Result<Filter> {
        Query::parse(raw)?.read()
    }

    fn faults(raw: &str) -> Vec<(String, String)> {
        let error = read(raw).expect_err("refused");
        assert_eq!(error.code(), Code::ValidationFailed);
        let pair = |field: &FieldError| (field.pointer.clone(), field.code.to_string());
        error.fields().iter().map(pair).collect()
    }

    #[test]
    fn a_query_is_decoded_and_typed() {
        let filter = read("q=caf%C3%A9+au+lait&order=newest&after=7&grouped=true").expect("fits");
        let q = "café au lait".to_owned();
        assert_eq!(
            filter,
            Filter {
                q,
                order: Some(Order::Newest),
                after: Some(7),
                grouped: true
            }
        );
        let again = Query::parse("b=%26&a=x y").map(|query| query.encode(&[("limit", "3")]));
        assert_eq!(again.as_deref().ok(), Some("a=x+y&b=%26&limit=3"));
    }

    #[test]
    fn every_parameter_at_fault_is_told() {
        let own = |pairs: &[(&str, &str)]| -> Vec<_> {
            pairs
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect()
        };
        let expected = [
            ("?after", "wrong_type"),
            ("?order", "invalid_value"),
            ("?page", "unknown_parameter"),
            ("?q", "required"),
        ];
        assert_eq!(faults("page=2&order=oldest&after=-1"), own(&expected));
        assert_eq!(faults(""), own(&[("?q", "required")]));
    }

    #[test]
    fn what_cannot_be_read_is_malformed() {
        for raw in [
            "q=%",
            "q=%g1",
            "q=%1",
            "q=%ff",
            "q=a%00b",
            "q=1&q=2",
            "q=1&%71=2",
            "q=%+1",
        ] {
            assert_eq!(
                read(raw).map_err(|e| e.code()),
                Err(Code::MalformedRequest),
                "{raw}"
            );
        }
    }
}
