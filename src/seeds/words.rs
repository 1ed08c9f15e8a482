//! The words of seeded people: names, places, sentences in several languages. They are text files
//! of the project, built into the program.

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

const FIRST_NAMES: &str = include_str!("../../seeds/first_names.txt");
const LAST_NAMES: &str = include_str!("../../seeds/last_names.txt");
const PLACES: &str = include_str!("../../seeds/places.txt");
const BIOS: &str = include_str!("../../seeds/bios.txt");
const POSTS: &str = include_str!("../../seeds/posts.txt");
const COMMENTS: &str = include_str!("../../seeds/comments.txt");

/// Languages of seeded people, each with how common it is.
pub const LANGUAGES: &[(&str, u32)] = &[
    ("en", 50),
    ("de", 8),
    ("es", 8),
    ("fr", 6),
    ("pt", 5),
    ("it", 4),
    ("cs", 5),
    ("ru", 3),
    ("ar", 3),
    ("he", 2),
    ("zh", 3),
    ("ja", 2),
    ("ko", 1),
];

/// A name as people write it and as it appears in a username.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// As people write it.
    pub display: String,
    /// In letters that a username may have.
    pub ascii: String,
}

type Pairs = Vec<(&'static str, &'static str)>;

/// All words, parsed once for a load.
pub struct Words {
    first: Pairs,
    last: Pairs,
    places: Vec<&'static str>,
    bios: Vec<&'static str>,
    posts: Pairs,
    comments: Pairs,
}

impl Words {
    /// Reads the files that are built in.
    pub fn read() -> Self {
        Self {
            first: pairs(FIRST_NAMES),
            last: pairs(LAST_NAMES),
            places: lines(PLACES).collect(),
            bios: lines(BIOS).collect(),
            posts: pairs(POSTS),
            comments: pairs(COMMENTS),
        }
    }

    /// A full name.
    pub fn name(&self, rng: &mut StdRng) -> Name {
        let (first, first_ascii) = pick(&self.first, rng);
        let (last, last_ascii) = pick(&self.last, rng);
        Name {
            display: format!("{first} {last}"),
            ascii: format!("{first_ascii}.{last_ascii}"),
        }
    }

    /// Where somebody is; often nothing.
    pub fn location(&self, rng: &mut StdRng) -> String {
        if rng.random_bool(0.4) {
            return String::new();
        }
        pick(&self.places, rng).to_owned()
    }

    /// What somebody says of themselves; often nothing.
    pub fn bio(&self, rng: &mut StdRng) -> String {
        if rng.random_bool(0.5) {
            return String::new();
        }
        pick(&self.bios, rng).to_owned()
    }

    /// What a post says: mostly one sentence, sometimes several, now and then very many.
    pub fn post(&self, rng: &mut StdRng, language: &str) -> String {
        let sentences = match rng.random_range(0..100) {
            0..70 => 1,
            70..90 => 2,
            90..98 => 4,
            _ => 20,
        };
        let mut text = String::new();
        for index in 0..sentences {
            if index > 0 {
                text.push_str(if index % 4 == 0 { "\n\n" } else { " " });
            }
            let sentence = in_language(&self.posts, rng, language).replace("\\n", "\n");
            text.push_str(&sentence.replace("{place}", pick(&self.places, rng)));
        }
        text
    }

    /// What a comment says.
    pub fn comment(&self, rng: &mut StdRng, language: &str) -> String {
        in_language(&self.comments, rng, language).to_owned()
    }
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn pairs(text: &'static str) -> Pairs {
    lines(text)
        .filter_map(|line| line.split_once('|'))
        .collect()
}

fn pick<T: Copy + Default>(options: &[T], rng: &mut StdRng) -> T {
    options.choose(rng).copied().unwrap_or_default()
}

/// A sentence of the language.
fn in_language(sentences: &Pairs, rng: &mut StdRng, language: &str) -> &'static str {
    let own: Vec<&'static str> = sentences
        .iter()
        .filter(|(of, _)| *of == language)
        .map(|(_, sentence)| *sentence)
        .collect();
    pick(&own, rng)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds::draw::{Draw, Thing};

    #[test]
    fn every_language_has_posts_and_comments() {
        let words = Words::read();
        let mut rng = Draw::new(1, b"").rng(Thing::Doings, 0);
        for (language, _) in LANGUAGES {
            for _ in 0..50 {
                assert!(!words.post(&mut rng, language).is_empty(), "{language}");
                assert!(!words.comment(&mut rng, language).is_empty(), "{language}");
            }
        }
    }

    #[test]
    fn the_second_half_of_a_name_fits_a_username() {
        let words = Words::read();
        for (_, ascii) in words.first.iter().chain(&words.last) {
            assert!(ascii.chars().all(|c| c.is_ascii_lowercase()), "{ascii}");
            assert!(ascii.len() <= 12, "{ascii}");
        }
    }
}
