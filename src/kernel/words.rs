//! Closed sets of words: each value of such a type is a word, the same one in rows, in JSON and in the API's
//! description. In cached entries it is its place in the set: what is added to a set that is cached comes last, or
//! raises the version of its spaces.

use std::fmt;

/// Why a word was not read: it is none of its set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    /// What was to be read.
    pub word: String,
    /// The words that there are.
    pub known: Vec<&'static str>,
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.join(", ");
        write!(f, "{:?} is unknown here: use one of {known}", self.word)
    }
}

impl std::error::Error for UnknownWord {}

/// Declares a closed set of words: `words! { /** doc */ pub enum Digest { /** doc */ Off = "off", } }`. Where a
/// set stands in rows, `stored_words!` says how it travels.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident = $word:tt,)+
    }) => {
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, utoipa::ToSchema,
        )]
        $(#[$meta])*
        $vis enum $name {
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every word, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::kernel::words::UnknownWord;
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.iter().find(|one| one.as_str() == word);
                found.copied().ok_or_else(|| $crate::kernel::words::UnknownWord {
                    word: word.to_owned(),
                    known: Self::ALL.iter().map(|one| one.as_str()).collect(),
                })
            }
        }
    };
}

#[cfg(test)]
mod tests {
    words! {
        /// How a day is.
        enum Weather {
            /// The sun shines.
            Sunny = "sunny",
            /// The word need not be the name.
            Dull = "grey_all_day",
        }
    }

    #[test]
    fn a_word_is_the_same_wherever_it_stands() {
        for (one, word) in [(Weather::Sunny, "sunny"), (Weather::Dull, "grey_all_day")] {
            assert_eq!((one.as_str(), one.to_string()), (word, word.to_owned()));
            assert_eq!(word.parse(), Ok(one));
            assert_eq!(serde_json::to_value(one).expect("JSON"), word);
            assert_eq!(
                serde_json::from_value::<Weather>(word.into()).expect("a word"),
                one
            );
        }
        assert_eq!(Weather::ALL, [Weather::Sunny, Weather::Dull]);
    }

    #[test]
    fn an_unknown_word_is_refused_with_those_that_are_known() {
        let error = "Sunny".parse::<Weather>().expect_err("another word");
        assert_eq!(
            error.to_string(),
            r#""Sunny" is unknown here: use one of sunny, grey_all_day"#
        );
    }
}
