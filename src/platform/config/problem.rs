//! What can be wrong with the settings, told all at once: which setting, what is wrong with it, and
//! what to do.

use std::fmt;

use super::settings;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting, or the file.
    pub name: String,
    /// What is wrong: goes on after the name. Never holds a secret.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}. {}", self.name, self.what, self.fix)
    }
}

/// Everything that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    /// In the order of the table of settings; never empty.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("kith can't start with these settings:")?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Why a value can't be used. Its words say nothing of the value itself, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong: goes on after the setting's name.
    pub what: String,
    /// What to do about it.
    pub fix: String,
    /// Which part of a list it is: shown in place of the whole, unless the setting is a secret.
    pub part: Option<String>,
}

impl Fault {
    /// A fault in these words.
    pub fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            fix: fix.into(),
            part: None,
        }
    }

    /// The same, of this part of a list.
    #[must_use]
    pub fn in_part(self, part: &str) -> Self {
        Self {
            part: Some(part.to_owned()),
            ..self
        }
    }

    /// The fault of the setting or file called `name`.
    pub fn of(self, name: impl Into<String>) -> Problem {
        Problem {
            name: name.into(),
            what: self.what,
            fix: self.fix,
        }
    }
}

/// The known setting whose name is most like `name`, if any is like it at all.
pub fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_uppercase();
    settings::all()
        .map(|setting| (distance(&name, setting.name), setting.name))
        .min()
        .filter(|(distance, known)| *distance <= known.len() / 4)
        .map(|(_, known)| known)
}

/// How many letters must be added, taken away or changed to make `a` into `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut last = i + 1;
        let mut next = vec![last];
        for (to, (diagonal, above)) in b.chars().zip(row.iter().zip(row.iter().skip(1))) {
            last = (diagonal + usize::from(from != to))
                .min(above + 1)
                .min(last + 1);
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_finds_the_one_that_was_meant_and_a_strange_one_finds_none() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(nearest("kith_adr"), Some("KITH_ADDR"));
        assert_eq!(nearest("KITH_JWT_KEY"), Some("KITH_JWT_KEYS"));
        assert_eq!(nearest("COLOUR_OF_THE_SKY"), None);
    }
}
