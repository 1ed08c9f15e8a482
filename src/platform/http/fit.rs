//! Makes a typed value of a JSON value, telling every member at fault at once.
//!
//! serde stops at the first fault. So each bad or missing member is noted, replaced by something
//! that may pass, and the value read again; what is made of such a stand-in is thrown away.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::fault;
use crate::kernel::{Error, FieldError, Result};

/// How many members at fault are told at once.
const MOST_FAULTS: usize = 32;

/// Makes a `T` of the value, or tells every member at fault.
pub fn fit<T: DeserializeOwned>(mut value: Value) -> Result<T> {
    if !value.is_object() {
        // serde would also read the members of a struct from an array.
        return Err(Error::invalid_field(
            "",
            "wrong_type",
            "Expected a JSON object.",
        ));
    }
    let stand_ins = stand_ins();
    let mut tried: HashMap<String, usize> = HashMap::new();
    let mut faults: Vec<FieldError> = Vec::new();
    while faults.len() < MOST_FAULTS {
        let failure = match serde_path_to_error::deserialize::<_, T>(&value) {
            Ok(fitting) if faults.is_empty() => return Ok(fitting),
            Ok(_made_of_stand_ins) => break,
            Err(failure) => failure,
        };
        let fault = fault::read(&failure.inner().to_string());
        let mut steps = fault::steps(failure.path());
        steps.extend(fault.missing.clone());
        let pointer = fault::pointer(&steps);
        let unknown = fault.code == "unknown_field";
        let attempt = tried.entry(pointer.clone()).or_default();
        let stand_in = stand_ins.get(*attempt).filter(|_| !unknown);
        *attempt += 1;
        if *attempt == 1 {
            // What holds a stand-in may be refused because of it: that is no fault of the sender.
            let above = format!("{pointer}/");
            if tried.keys().any(|other| other.starts_with(&above)) {
                break;
            }
            faults.push(fault.at(pointer));
        }
        if !put(&mut value, &steps, stand_in.cloned()) {
            break;
        }
    }
    Err(Error::invalid(faults))
}

/// Values of all sorts, one of which passes for most members.
fn stand_ins() -> Vec<Value> {
    let id = "00000000-0000-7000-8000-000000000000";
    let text = "stand_in";
    let (time, mail) = ("2000-01-01T00:00:00Z", "stand-in@example.org");
    vec![
        Value::Null,
        json!(text),
        json!(1),
        json!(false),
        json!([]),
        json!({}),
        json!(id),
        json!(mail),
        json!(time),
        json!("Stand-In for a 1st password"),
    ]
}

/// Puts the stand-in at the place that `steps` lead to. Without one, because the member is unknown or
/// no stand-in passes for it, it removes what is there. False when there is no such place.
fn put(value: &mut Value, steps: &[String], stand_in: Option<Value>) -> bool {
    let Some((last, above)) = steps.split_last() else {
        return false;
    };
    match (value.pointer_mut(&fault::pointer(above)), stand_in) {
        (Some(Value::Object(map)), None) => map.remove(last).is_some(),
        (Some(Value::Object(map)), Some(stand_in)) => {
            map.insert(last.clone(), stand_in);
            true
        }
        (Some(Value::Array(items)), Some(stand_in)) => {
            let place = last
                .parse::<usize>()
                .ok()
                .and_then(|index| items.get_mut(index));
            place.map(|item| *item = stand_in).is_some()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::kernel::Code;
    use crate::kernel::text::Refusal;

    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Name(String);

    impl TryFrom<String> for Name {
        type Error = Refusal;
        fn try_from(text: String) -> std::result::Result<Self, Refusal> {
            crate::kernel::text::check(&text, 2, 12, false)?;
            Ok(Self(text))
        }
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Form {
        name: Name,
        age: u8,
        ids: Vec<crate::kernel::PostId>,
        #[serde(default)]
        inner: Option<Inner>,
        #[serde(default)]
        mood: Option<Mood>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Mood {
        Good,
        Bad,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        at: crate::kernel::Timestamp,
    }

    fn faults(value: Value) -> Vec<(String, String)> {
        let error = fit::<Form>(value).expect_err("refused");
        assert_eq!(error.code(), Code::ValidationFailed);
        let pair = |field: &FieldError| (field.pointer.clone(), field.code.to_string());
        error.fields().iter().map(pair).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    }

    #[test]
    fn every_member_at_fault_is_told_at_once() {
        let value = json!({"name": "x", "age": "old", "nick": 1, "ids": ["no", 5]});
        let mut found = faults(value);
        found.sort();
        let expected = [
            ("/age", "wrong_type"),
            ("/ids/0", "invalid_value"),
            ("/ids/1", "wrong_type"),
            ("/name", "too_short"),
            ("/nick", "unknown_field"),
        ];
        assert_eq!(found, pairs(&expected));
    }

    #[test]
    fn a_word_that_is_not_of_the_set_hides_no_other_fault() {
        let value = json!({"mood": "odd", "name": "x", "age": 1, "ids": []});
        let mut found = faults(value);
        found.sort();
        let expected = [("/mood", "invalid_value"), ("/name", "too_short")];
        assert_eq!(found, pairs(&expected));
        let moods = ["good", "bad"].map(|mood| {
            let value = json!({"name": "anna", "age": 1, "ids": [], "mood": mood});
            fit::<Form>(value).expect("fits").mood
        });
        assert!(matches!(moods, [Some(Mood::Good), Some(Mood::Bad)]));
    }

    #[test]
    fn all_missing_members_are_told() {
        let expected = [
            ("/name", "required"),
            ("/age", "required"),
            ("/ids", "required"),
        ];
        assert_eq!(faults(json!({})), pairs(&expected));
        let inner = json!({"name": "anna", "age": 1, "ids": [], "inner": {}});
        assert_eq!(faults(inner), pairs(&[("/inner/at", "required")]));
    }

    #[test]
    fn a_body_of_another_shape_is_refused_as_a_whole() {
        assert_eq!(faults(json!("text")), pairs(&[("", "wrong_type")]));
        assert_eq!(faults(json!(["anna", 3, []])), pairs(&[("", "wrong_type")]));
        assert_eq!(faults(json!(null)), pairs(&[("", "wrong_type")]));
    }

    #[test]
    fn a_good_body_passes() {
        let id = "01938b2f-5a00-7000-8000-000000000001";
        let value = json!({"name": "anna", "age": 3, "ids": [id], "inner": null});
        let form: Form = fit(value).expect("fits");
        assert_eq!(
            (form.name.0.as_str(), form.age, form.ids.len()),
            ("anna", 3, 1)
        );
        assert!(form.inner.is_none_or(|inner| inner.at.micros() == 0));
    }
}
