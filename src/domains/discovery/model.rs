//! What is searched for, and the names that begin with it; pure.

/// What names are compared with. A prefix is a range from the text to the text followed by the
/// greatest character: no character of it means anything else than itself, and the range serves an
/// index under any plan.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Needle {
    sort: Sort,
    from: String,
    until: String,
}

/// What a first character says about what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Sort {
    Anything,
    Person,
    Hashtag,
}

impl Needle {
    /// For this text, which is in lower case and without spaces around. An `@` in front of a username
    /// or a `#` in front of a hashtag is dropped; alone it stays, because nothing at all would be
    /// the beginning of every name.
    pub fn new(folded: &str) -> Self {
        let after = |mark: char| folded.strip_prefix(mark).filter(|name| !name.is_empty());
        let (sort, from) = match (after('@'), after('#')) {
            (Some(name), _) => (Sort::Person, name),
            (_, Some(tag)) => (Sort::Hashtag, tag),
            _ => (Sort::Anything, folded),
        };
        let until = format!("{from}{}", char::MAX);
        let from = from.to_owned();
        Self { sort, from, until }
    }

    /// What tells needles of one text apart; no needle has the mark of one and the text of another.
    pub fn mark(&self) -> &'static str {
        match self.sort {
            Sort::Anything => "=",
            Sort::Person => "@",
            Sort::Hashtag => "#",
        }
    }

    /// The text itself.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// What is greater than whatever begins with the text.
    pub fn until(&self) -> &str {
        &self.until
    }

    /// Whether one of these names begins with the text. It never says no to what Postgres found, in
    /// whichever locale that makes letters small: all forms of a letter count as one.
    pub fn begins(&self, username: &str, display_name: &str) -> bool {
        // Some letters are made small by a dot of their own, which some locales add and others don't.
        const DOT_ABOVE: char = '\u{307}';
        let form = |letter: char| {
            let small = letter.to_lowercase().next()?;
            small.to_uppercase().next()?.to_lowercase().next()
        };
        let letters = |text: &str| -> Vec<Option<char>> {
            let letters = text.chars().filter(|letter| *letter != DOT_ABOVE);
            letters.map(form).collect()
        };
        let text = letters(&self.from);
        let begins = |name: &str| letters(name).starts_with(&text);
        begins(username) || begins(display_name)
    }

    /// Whether it may be the beginning of a person's name.
    pub fn may_be_person(&self) -> bool {
        self.sort != Sort::Hashtag
    }

    /// Whether it may be the beginning of a hashtag.
    pub fn may_be_hashtag(&self) -> bool {
        self.sort != Sort::Person
    }
}

#[cfg(test)]
mod tests {
    use super::Needle;

    #[test]
    fn a_beginning_is_one_in_any_form_of_its_letters() {
        for (text, username, display_name) in [
            ("ros", "rosa_1", "Somebody"),
            ("@ros", "rosa_1", "Somebody"),
            ("ros", "anna", "ROSA"),
            ("ipek", "anna", "\u{130}pek"),
            ("\u{131}rmak", "anna", "Irmak"),
            ("νικος", "anna", "ΝΙΚΟΣ"),
            ("straße", "anna", "STRA\u{1e9e}E"),
            ("i\u{307}pek", "anna", "\u{130}pek"),
        ] {
            let needle = Needle::new(text);
            assert!(needle.begins(username, display_name), "{text}");
        }
        for (text, username, display_name) in [
            ("rosa", "ros", "Ros"),
            ("rosa", "anna", "A Rosa"),
            ("rosa", "", ""),
        ] {
            let needle = Needle::new(text);
            assert!(!needle.begins(username, display_name), "{display_name}");
        }
    }
}
