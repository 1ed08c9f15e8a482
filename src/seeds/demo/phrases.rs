//! Words of the demo with names, links and hashtags in them, built into the program.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

const PHRASES: &str = include_str!("../../../seeds/demo.txt");

/// Where a phrase may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a post.
    Post,
    /// In a comment.
    Comment,
    /// In a message.
    Message,
}

/// All phrases, parsed once.
pub struct Phrases {
    posts: Vec<&'static str>,
    comments: Vec<&'static str>,
    messages: Vec<&'static str>,
    links: Vec<&'static str>,
    tags: Vec<&'static str>,
}

impl Phrases {
    /// Reads the file that is built in.
    pub fn read() -> Self {
        let lines = PHRASES.lines().filter(|line| !line.starts_with('#'));
        let pairs: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once('|')).collect();
        let of = |wanted: &str| -> Vec<&'static str> {
            let found = pairs.iter().filter(|(place, _)| *place == wanted);
            found.map(|(_, text)| *text).collect()
        };
        Self {
            posts: of("post"),
            comments: of("comment"),
            messages: of("message"),
            links: of("link"),
            tags: of("tag"),
        }
    }

    /// A phrase in which `name` stands for whoever it calls.
    pub fn phrase(&self, rng: &mut StdRng, place: Place, name: &str) -> String {
        let phrases = match place {
            Place::Post => &self.posts,
            Place::Comment => &self.comments,
            Place::Message => &self.messages,
        };
        let phrase = phrases.choose(rng).copied().unwrap_or_default();
        let link = self.links.choose(rng).copied().unwrap_or_default();
        phrase.replace("{name}", name).replace("{link}", link)
    }

    /// A hashtag, without its `#`; those that come first are more common.
    pub fn tag(&self, rng: &mut StdRng) -> &'static str {
        let few = self.tags.get(..3).unwrap_or_default();
        let tags = [few, &self.tags].concat();
        tags.choose(rng).copied().unwrap_or_default()
    }
}
